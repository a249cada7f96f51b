"""Training of the networks on the synthetic patient (extra ``train``)."""
