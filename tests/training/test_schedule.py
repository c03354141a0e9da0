import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.recipe.training import Schedule
from octavo.training.schedule import learning_rate_factor

SCHEDULES = st.builds(
    Schedule,
    name=st.sampled_from(["cosine", "warmup-stable-decay"]),
    warmup_steps=st.integers(0, 50),
    decay_fraction=st.floats(0.0, 0.9),
    final_ratio=st.floats(0, 0.9),
)


@given(SCHEDULES, st.integers(1, 400))
def test_the_rate_rises_to_the_peak_and_falls_to_its_share(schedule, steps):
    factors = [learning_rate_factor(schedule, step, steps) for step in range(steps)]
    peak = factors.index(max(factors))
    assert all(0 <= f <= 1 for f in factors)
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)


def test_the_first_update_has_a_rate():
    assert learning_rate_factor(Schedule(warmup_steps=10), 0, 100) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["cosine", "warmup-stable-decay"])
def test_the_last_update_has_the_final_rate(name):
    schedule = Schedule(name=name, warmup_steps=10, final_ratio=0.1)
    assert learning_rate_factor(schedule, 99, 100) == pytest.approx(0.1)


def test_a_stable_schedule_stays_at_the_peak_until_it_decays():
    schedule = Schedule(name="warmup-stable-decay", warmup_steps=10, decay_fraction=0.2, final_ratio=0.0)
    factors = [learning_rate_factor(schedule, step, 100) for step in range(100)]
    assert set(factors[10:80]) == {1.0}
    assert factors[89] == pytest.approx(0.5)
