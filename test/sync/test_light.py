import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.sync.light import PatchSearch, Region, flash_onsets

NS = 1_000_000_000


def stamps(n, rate_hz=30.0, start_ns=7 * NS):
    return start_ns + np.round(np.arange(n) * NS / rate_hz).astype(np.int64)


def series(n, lit, height=60.0):
    values = 80.0 + 0.4 * np.random.default_rng(0).standard_normal(n)
    values[lit] += height
    return values


def test_each_flash_lies_between_the_last_dark_and_the_first_bright_image():
    t = stamps(300)
    lit = [30, 31, 32, 45, 46, 70, 71, 72, 250]
    found = flash_onsets(t, series(300, lit))
    np.testing.assert_array_equal(found, [[t[k - 1], t[k]] for k in (30, 45, 70, 250)])


def test_a_half_exposed_image_widens_the_interval():
    t, values = stamps(100), series(100, [41, 42])
    values[40] += 20.0  # a third of the flash
    np.testing.assert_array_equal(flash_onsets(t, values), [[t[39], t[41]]])


def test_a_flash_after_long_darkness_without_images_says_nothing():
    t, values = stamps(100), series(100, [50, 51])
    t[50:] += 2 * NS
    assert len(flash_onsets(t, values)) == 0


def test_a_lost_image_widens_the_interval():
    t, values = np.delete(stamps(100), 40), np.delete(series(100, [40, 41, 42]), 40)
    np.testing.assert_array_equal(flash_onsets(t, values), [[t[39], t[40]]])


def test_slow_changes_of_light_and_a_lamp_that_stays_on_are_no_flashes():
    t = stamps(400)
    values = series(400, []) + 40 * np.sin(np.arange(400) / 60)
    assert len(flash_onsets(t, values)) == 0
    values = series(400, slice(200, 400))
    assert len(flash_onsets(t, values)) == 0


def test_flashes_are_found_on_top_of_slow_changes():
    t = stamps(400)
    values = series(400, [100, 101, 102, 200, 201, 202]) + 40 * np.sin(np.arange(400) / 60)
    np.testing.assert_array_equal(flash_onsets(t, values), [[t[99], t[100]], [t[199], t[200]]])


def test_the_flashing_patch_is_found_beside_a_moving_one():
    rng = np.random.default_rng(1)
    search, lit = PatchSearch(), {20, 21, 22, 40, 41, 42, 55, 56, 80, 81, 82}
    for k, stamp_ns in enumerate(stamps(120)):
        image = (120 + rng.normal(0.0, 1.0, (120, 160, 3))).astype(np.uint8)
        x = 40 + round(30 * np.sin(k / 6))
        image[60:110, x : x + 25] = 30  # somebody moves
        if k in lit:
            image[13:16, 101:104] = 255
        search.add(int(stamp_ns), image)
    found = {(r.x0, r.y0): (r, flashes) for r, flashes in search.found()}
    region, flashes = found[102, 14]
    assert (region.x1, region.y1) == (104, 16)
    at = stamps(120)
    np.testing.assert_array_equal(flashes, [[at[k - 1], at[k]] for k in (20, 40, 55, 80)])


def test_of_a_long_search_the_first_images_count(monkeypatch):
    monkeypatch.setattr("lbp_rehab.sync.light.MOST_IMAGES", 100)
    search = PatchSearch()
    for k, stamp_ns in enumerate(stamps(150)):
        image = np.full((48, 64, 3), 100, np.uint8)
        image[9, 33] = 255 if k % 20 == 7 else 100
        search.add(int(stamp_ns), image)
    ((_, flashes),) = search.found()
    assert len(flashes) == 5


def test_images_of_changing_size_and_regions_outside_are_refused():
    search = PatchSearch()
    search.add(0, np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(InputError, match="change from 64x48 to 32x48"):
        search.add(1, np.zeros((48, 32, 3), np.uint8))
    with pytest.raises(InputError, match="does not lie in images of 64x48"):
        Region(60, 0, 70, 10).mean(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(InputError, match="x0 < x1"):
        Region(5, 0, 5, 10).mean(np.zeros((48, 64, 3), np.uint8))
