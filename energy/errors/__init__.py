"""Typed errors of this package: each one names what is wrong and what would be right."""

from __future__ import annotations

from energy.errors.base import EnergyError as EnergyError
from energy.errors.communities import BadCommunity as BadCommunity
from energy.errors.communities import BadCommunityFile as BadCommunityFile
from energy.errors.communities import ChangeRefused as ChangeRefused
from energy.errors.communities import NothingInForce as NothingInForce
from energy.errors.communities import NotSigned as NotSigned
from energy.errors.communities import UnknownMember as UnknownMember
from energy.errors.documents import BadDocument as BadDocument
from energy.errors.documents import BadInterval as BadInterval
from energy.errors.market import AnotherRollup as AnotherRollup
from energy.errors.market import BadRequest as BadRequest
from energy.errors.market import CannotServe as CannotServe
from energy.errors.market import DoesNotFollow as DoesNotFollow
from energy.errors.market import FromTheFuture as FromTheFuture
from energy.errors.market import JournalBroken as JournalBroken
from energy.errors.market import JournalForked as JournalForked
from energy.errors.market import JournalInUse as JournalInUse
from energy.errors.market import JournalUnusable as JournalUnusable
from energy.errors.market import MarketError as MarketError
from energy.errors.market import MarketFailed as MarketFailed
from energy.errors.market import MarketRefused as MarketRefused
from energy.errors.market import MarketUnreachable as MarketUnreachable
from energy.errors.market import NoCommunityYet as NoCommunityYet
from energy.errors.market import NotThere as NotThere
from energy.errors.market import OutOfTurn as OutOfTurn
from energy.errors.market import TooLarge as TooLarge
from energy.errors.market import TooLate as TooLate
from energy.errors.market import UnknownKind as UnknownKind
from energy.errors.readings import BadSample as BadSample
from energy.errors.sources import BadSource as BadSource
from energy.errors.sources import BadSourceRecord as BadSourceRecord
from energy.errors.sources import MissingExtra as MissingExtra
from energy.errors.sources import OtherMeter as OtherMeter
from energy.errors.sources import SourceReplayed as SourceReplayed
from energy.errors.sources import SourceSilent as SourceSilent
from energy.errors.sources import WrongSourceSignature as WrongSourceSignature
