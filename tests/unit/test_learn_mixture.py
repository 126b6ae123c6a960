"""Mixtures on the map of buyers."""

import numpy as np
import pytest

from segwarehouse.domain import FloatArray
from segwarehouse.learn.mixture import Covariance, fit_mixture


def clouds() -> FloatArray:
    generator = np.random.default_rng(8)
    sizes = {(0.0, 0.0): 300, (12.0, 0.0): 150, (0.0, 12.0): 50}
    return np.concatenate([generator.normal(loc=centre, size=(size, 2)) for centre, size in sizes.items()])


@pytest.mark.parametrize("covariance", ["full", "spherical"])
def test_planted_clouds_come_back_heaviest_first(covariance: Covariance) -> None:
    mixture = fit_mixture(clouds(), seed=1, covariance=covariance)
    np.testing.assert_allclose(mixture.weights, [0.6, 0.3, 0.1], atol=0.01)
    np.testing.assert_allclose(mixture.means, [[0.0, 0.0], [12.0, 0.0], [0.0, 12.0]], atol=0.5)
    assert mixture.covariances.shape == (3, 2, 2)
    np.testing.assert_allclose(mixture.covariances[0], np.eye(2), atol=0.25)
    if covariance == "spherical":
        assert (mixture.covariances[:, 0, 1] == 0.0).all()
        assert np.array_equal(mixture.covariances[:, 0, 0], mixture.covariances[:, 1, 1])
    assert [score.number for score in mixture.scores] == list(range(1, 9))
    assert mixture.scores[0].silhouette is None
    assert max(mixture.scores[1:], key=lambda score: score.silhouette or -1.0).number == 3


def test_one_cloud_is_one_component_though_the_silhouette_has_no_score_for_it() -> None:
    cloud = np.random.default_rng(3).normal(size=(400, 2))
    mixture = fit_mixture(cloud, seed=1)
    assert len(mixture.weights) == 1
    assert all(score.silhouette is not None for score in mixture.scores[1:])


def test_any_customer_gets_the_nearest_centre_and_its_distance() -> None:
    mixture = fit_mixture(clouds(), seed=1)
    strangers = np.array([[12.0, 5.0], [-3.0, -4.0]]) + 0.0
    nearest, distance = mixture.nearest(strangers)
    assert nearest.tolist() == [1, 0]
    expected = np.hypot(*(strangers - mixture.means[nearest]).T)
    np.testing.assert_allclose(distance, expected)


@pytest.mark.parametrize("rows", [1, 2, 5, 40])
@pytest.mark.parametrize("covariance", ["full", "spherical"])
def test_few_or_equal_rows_are_one_component(rows: int, covariance: Covariance) -> None:
    mixture = fit_mixture(np.full((rows, 2), 3.0), seed=1, covariance=covariance)
    np.testing.assert_allclose(mixture.means, [[3.0, 3.0]])
    assert mixture.weights.tolist() == [1.0]
    assert np.isfinite(mixture.covariances).all()


def test_nobody_has_no_component() -> None:
    mixture = fit_mixture(np.zeros((0, 2)), seed=1)
    assert (len(mixture.weights), len(mixture.scores)) == (0, 0)
    nearest, distance = mixture.nearest(np.zeros((3, 2)))
    assert nearest.tolist() == [-1, -1, -1]
    assert np.isnan(distance).all()
