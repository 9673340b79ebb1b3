"""What the adapters' tests share: the published samples, and all that a source gives."""

from __future__ import annotations

from pathlib import Path

from energy.errors import EnergyError
from energy.meters.sample import Sample, Source

SAMPLES = Path(__file__).parent.parent / "samples"


async def all_of(source: Source) -> list[Sample]:
    """Every sample until the source ends."""
    return [sample async for sample in source]


async def first_of(source: Source, count: int) -> list[Sample]:
    """The first samples of a source that does not end."""
    samples: list[Sample] = []
    async for sample in source:
        samples.append(sample)
        if len(samples) == count:
            break
    return samples


class Refusals(list[EnergyError]):
    """A caller that goes on after each refusal and remembers it."""

    def __call__(self, error: EnergyError) -> None:
        self.append(error)
