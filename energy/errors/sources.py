"""A meter's source that cannot be opened, is silent, or gives what cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class MissingExtra(EnergyError):
    """An adapter whose library is not installed. `extra`: what brings it."""

    extra: str
    module: str

    def __str__(self) -> str:
        return f"{self.module} is not installed: pip install 'wattlane[{self.extra}]'"


@dataclass
class BadSource(EnergyError):
    """Settings of a source that name nothing readable, or that do not fit its adapter."""

    adapter: str
    reason: str

    def __str__(self) -> str:
        return f"the {self.adapter} source cannot be opened: {self.reason}"


@dataclass
class SourceSilent(EnergyError):
    """A device or connection that does not answer. It is tried again where the caller goes on."""

    adapter: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"no answer from {self.adapter} at {self.place}: {self.reason}"


@dataclass
class BadSourceRecord(EnergyError):
    """One record of a source that gives no sample. `place`: line, record or telegram."""

    adapter: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.adapter}, {self.place}: {self.reason}"


@dataclass
class WrongSourceSignature(EnergyError):
    """A record that its meter's own key did not sign: the bytes or the key are others."""

    adapter: str
    place: str

    def __str__(self) -> str:
        return (
            f"{self.adapter}, {self.place}: the signature is not the meter's over these bytes; "
            "compare the public key with the one on the meter"
        )


@dataclass
class OtherMeter(EnergyError):
    """A record of another device than the one that the settings name, or that spoke before."""

    adapter: str
    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        return (
            f"{self.adapter}, {self.place}: from meter {self.found!r}, not {self.expected!r}; "
            "after a swap set `serial` anew and `register_epoch` one higher"
        )


@dataclass
class SourceReplayed(EnergyError):
    """A signed record that was given before: its own number does not rise."""

    adapter: str
    place: str
    number: str
    after: str

    def __str__(self) -> str:
        return f"{self.adapter}, {self.place}: number {self.number} after {self.after}: given twice"
