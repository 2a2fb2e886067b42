"""Which keys are noted as read, and which are not."""

from __future__ import annotations

from sparrow.config import Config, make_config, with_overrides, with_values
from sparrow.config.reads import recorded_reads


def test_nothing_read_is_nothing_noted() -> None:
    with recorded_reads() as reads:
        pass
    assert reads == set()


def test_a_key_is_noted_when_its_value_is_read_and_not_its_section() -> None:
    config = make_config({"data": {"generate": {"photos": 3}}})
    with recorded_reads() as reads:
        section = config.training
        assert section.epochs > 0
        assert config.seed == 0
        generate = config.data.generate
        assert generate is not None
        assert generate.photos == 3
        assert not config.data.sources
    assert reads == {"training.epochs", "seed", "data.generate.photos", "data.sources"}


def test_an_absent_section_is_noted_by_its_own_name() -> None:
    config = Config()
    with recorded_reads() as reads:
        assert config.data.generate is None
    assert reads == {"data.generate"}


def test_copies_count_and_making_them_does_not() -> None:
    """A step tunes a copy: its reads are the step's; the checks of the copy are nobody's."""
    config = Config()
    with recorded_reads() as reads:
        tuned = with_values(config, {"training.learning_rate": 0.01})
        other = with_overrides(tuned, ["seed=3"])
        assert not reads
        assert other.training.learning_rate == 0.01
    assert reads == {"training.learning_rate"}


def test_an_inner_block_does_not_end_the_outer() -> None:
    config = Config()
    with recorded_reads() as outer:
        with recorded_reads() as inner:
            assert config.seed == 0
        assert config.name
    assert inner == {"seed"}
    assert outer == {"name"}
    assert config.seed == 0  # outside nothing is noted
    assert outer == {"name"}
