from dataclasses import fields

import numpy as np
import pytest
from scipy.stats import norm

from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.person.outfit import Footwear, HairStyle, Pattern, Sleeve, TrouserLength
from lbp_rehab.synthetic.person.people import DENSITY_KG_M3, STATURE_M, body_of, sample

SEEDS = range(200)
TEST_BANDS = {1, 4, 6, 8}


@pytest.fixture(scope="module")
def crowd(synthetic_extra):
    return [sample(seed) for seed in SEEDS]


def bmi(person):
    return person.mass_kg / person.height_m**2


def test_adults_follow_the_statistics_of_stature(crowd):
    for sex, (mean, sd) in STATURE_M.items():
        statures = np.array([p.height_m for p in crowd if p.sex == sex])
        assert len(statures) > 70
        assert statures.mean() == pytest.approx(mean, abs=0.02)
        assert statures.std() == pytest.approx(sd, rel=0.25)
        assert np.abs(statures - mean).max() < 2.6 * sd


def test_adults_are_of_all_ages_and_plausible_weight(crowd):
    ages = np.array([p.age_years for p in crowd])
    assert 20.0 <= ages.min() < 26.0
    assert 74.0 < ages.max() <= 80.0
    indices = np.array([bmi(p) for p in crowd])
    assert 18.0 < indices.min() < 21.0
    assert 32.0 < indices.max() < 39.0
    assert 24.0 < np.median(indices) < 27.0


def test_bodies_have_their_persons_stature_and_mass(crowd):
    extremes = [f(crowd, key=key) for f in (min, max) for key in (bmi, lambda p: p.height_m)]
    for person in [*crowd[:20], *extremes]:
        body = body_of(person)
        assert np.ptp(body.vertices[:, 2]) == pytest.approx(person.height_m, abs=0.005)
        assert body.volume_m3() * DENSITY_KG_M3 == pytest.approx(person.mass_kg, rel=0.03)


def test_looks_are_colours_and_every_kind_occurs(crowd):
    for person in crowd:
        outfit = person.outfit
        for field in fields(outfit):
            value = getattr(outfit, field.name)
            if isinstance(value, tuple):
                assert len(value) == 3
                assert all(0.0 <= part <= 1.0 for part in value)
        assert outfit.skin[0] > outfit.skin[1] > outfit.skin[2]
        assert abs(sum(outfit.accent) - sum(outfit.shirt)) > 0.5
    for name, kind in (
        ("hair_style", HairStyle),
        ("sleeve", Sleeve),
        ("trouser_length", TrouserLength),
        ("footwear", Footwear),
        ("pattern", Pattern),
    ):
        assert {getattr(p.outfit, name) for p in crowd} == set(kind)


def test_light_hair_goes_with_light_skin_or_age(crowd):
    for person in crowd:
        if person.outfit.skin[0] < 0.5 and person.age_years < 40:
            assert max(person.outfit.hair) < 0.45


def test_same_seed_same_person_and_another_seed_another(synthetic_extra):
    assert sample(7) == sample(7)
    a, b = sample(7), sample(8)
    assert a.outfit.shirt != b.outfit.shirt
    surfaces = [body_of(p).vertices for p in (a, b)]
    assert np.linalg.norm(surfaces[0] - surfaces[1], axis=1).mean() > 0.005


def test_training_and_testing_share_no_range(synthetic_extra):
    bands = {split: {"age": set(), "stature": set()} for split in (Split.TRAIN, Split.TEST)}
    for split, seen in bands.items():
        for seed in range(60):
            person = sample(seed, split)
            seen["age"].add(int((person.age_years - 20.0) / 6.0))
            mean, sd = STATURE_M[person.sex]
            share = norm.cdf((person.height_m - mean) / sd)
            seen["stature"].add(int((share - 0.006) / 0.988 * 10.0))
    for name in ("age", "stature"):
        assert bands[Split.TEST][name] == TEST_BANDS
        assert bands[Split.TRAIN][name] == set(range(10)) - TEST_BANDS
    assert sample(5, Split.TRAIN).id != sample(5, Split.TEST).id
