"""Covariances by their lower triangular factors L, for which the covariance is ``L L^T``."""

from __future__ import annotations

import torch
from torch import Tensor

from lbp_rehab.bench.metrics import ONE_SIGMA, chi_square_quantile

STUDENT = 6.0  # degrees of freedom of the errors' distribution


def lower_triangular(diagonal: Tensor, below: Tensor) -> Tensor:
    """Return the factors of a diagonal, (..., d), and what is below it row by row, (..., k)."""
    zero = torch.zeros_like(diagonal[..., 0])
    rows, used = [], 0
    for k in range(diagonal.shape[-1]):
        row = [below[..., used + j] for j in range(k)] + [diagonal[..., k]]
        used += k
        rows.append(torch.stack(row + [zero] * (diagonal.shape[-1] - k - 1), dim=-1))
    return torch.stack(rows, dim=-2)


def sigma_of(factor: Tensor) -> Tensor:
    """Return the root of the mean variance of factors of points, (..., 3, 3) -> (...)."""
    return factor.pow(2).sum(dim=(-1, -2)).div(3.0).sqrt()


def squared_distance(factor: Tensor, off: Tensor) -> Tensor:
    """Return the squared Mahalanobis distance of errors ``off``, (..., d) -> (...)."""
    white = torch.linalg.solve_triangular(factor, off[..., None], upper=False)[..., 0]
    return (white**2).sum(dim=-1)


def student(factor: Tensor, off: Tensor) -> Tensor:
    """Return the negative log likelihood of errors under Student's distribution, (...)."""
    spread = torch.diagonal(factor, dim1=-2, dim2=-1).log().sum(dim=-1)
    tail = 0.5 * (STUDENT + off.shape[-1])
    return spread + tail * torch.log1p(squared_distance(factor, off) / STUDENT)


def sigma_scale(squared: Tensor, dimensions: int) -> float:
    """Return by what sigmas must be multiplied to hold 68.3 % of the truth.

    Parameters
    ----------
    squared : Tensor, shape (n,)
        Squared Mahalanobis distances of the truth.
    """
    wanted = chi_square_quantile(ONE_SIGMA, dimensions)
    return float((torch.quantile(squared, ONE_SIGMA) / wanted).sqrt())
