// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base, Powers, Progress, Rollup, Settings} from "./Base.sol";
import {Handler} from "./Handler.sol";

/// What must hold of the deployed bytecode after any sequence of calls of anybody (forge).
contract Invariants is Base {
    Handler private handler;
    Rollup private rollup;
    bytes32 private fixed_; // all settings, hashed

    bytes32[] private kinds = [
        bytes32("account"),
        "deposit",
        "key",
        "exit",
        "start",
        "finalize",
        "claim",
        "batch",
        "payout",
        "withdrawal",
        "exodus",
        "refund",
        "offer",
        "ownership",
        "pause",
        "unpause",
        "announcement",
        "operator",
        "sunset"
    ];

    function setUp() public {
        VM.warp(1_790_000_000);
        handler = new Handler();
        rollup = handler.rollup();
        fixed_ = keccak256(abi.encode(rollup.settings()));
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// One campaign for all: each line is a promise of its own.
    function invariant_money_state_queue_and_powers() public view {
        // C1: the tokens are there, for exactly what is owed to somebody.
        uint256 held = handler.held();
        uint256 pending;
        for (uint256 i = 0; i < 4; i++) {
            address who = handler.actors(i);
            require(rollup.pending_ntok(who) == handler.pending(who), "pending moved by something else");
            pending += handler.pending(who);
        }
        uint256 balance = handler.token().balanceOf(address(rollup));
        require(rollup.held_ntok() == held, "held moved by something else");
        require(balance == held * handler.UNIT() + handler.donated(), "tokens came or went otherwise");
        require(held == pending + handler.inside() + handler.waiting(), "owed more or less than is held");
        require(held < 2 ** 64, "more than 2^64 ntok");
        require(address(rollup).balance == 0, "a fee stayed");
        // C2: the root changes by a batch alone.
        Progress memory progress = rollup.progress();
        require(rollup.state_root() == handler.root(), "the root moved without a batch");
        require(progress.batches == handler.batches() && progress.l1Time == handler.l1Time(), "batches");
        // C3: ops are added at the end and never change; batches take them from the front.
        uint256 enqueued = rollup.enqueued();
        (bytes32 hash,) = rollup.queue_record(enqueued);
        (bytes32 beyond,) = rollup.queue_record(enqueued + 1);
        require(enqueued == handler.queueLength(), "an op too few or too many");
        require(hash == handler.hashes(enqueued) && beyond == 0, "another op");
        require(progress.processed == handler.processed() && progress.processed <= enqueued, "processed");
        require(rollup.account_count() == handler.accounts() && handler.accounts() <= 2 ** 24, "accounts");
        _powers();
    }

    function _powers() private view {
        Powers memory powers = rollup.powers();
        require(powers.owner == handler.owner() && powers.pendingOwner == handler.offered(), "owner");
        require(powers.operator == handler.operator(), "the operator changed otherwise");
        require(
            powers.nextOperator == handler.next() && powers.nextOperatorFrom == handler.nextFrom(), "next"
        );
        require(powers.pauseEnd == handler.pauseEnd() && powers.pauseEnd <= block.timestamp + 3 days, "pause");
        require(powers.sunset == handler.sunset(), "the sunset moved");
        require(rollup.exodus_start() == handler.exodusStart(), "the exodus moved");
        require(keccak256(abi.encode(rollup.settings())) == fixed_, "a setting changed");
    }

    /// What a run took, for whoever started forge to add up.
    function afterInvariant() public {
        for (uint256 i = 0; i < kinds.length; i++) {
            bytes memory name = abi.encodePacked(kinds[i]);
            uint256 length = 0;
            while (length < 32 && name[length] != 0) length++;
            assembly {
                mstore(name, length)
            }
            VM.writeLine("taken.txt", string.concat(string(name), " ", VM.toString(handler.taken(kinds[i]))));
        }
    }

    /// The campaign is not empty: every kind of step is taken where its time has come.
    function test_every_step_is_taken_once() public {
        handler.newAccount(0, 1, 1, 100, 1);
        handler.deposit(1, 0, 0, 50, 1);
        handler.changeKey(1, 0, 5, 1);
        handler.forceExit(1, 0, 1);
        handler.forceChannel(1, 5, 6, 1, 1);
        handler.forceChannel(1, 5, 6, 4, 1);
        handler.forceClaim(1, 5, 0, 2 ** 95, [R - 1, R - 1, R - 1, R - 1, R - 1], 7);
        handler.donate(1, 5);
        handler.batch(1, 77, 0, 2, 30, 0);
        handler.batch(1, 78, 1, 2, 0, 0);
        handler.withdraw(2);
        handler.deposit(1, 0, 0, 60, 1);
        for (uint256 what = 0; what < 7; what++) {
            handler.govern(0, what, 0);
        }
        handler.govern(0, 7, 0);
        handler.wait(7);
        handler.govern(0, 6, 0);
        handler.startExodus(8);
        handler.refund(7, 2);
        handler.refund(7, 2); // refused
        handler.withdraw(1);
        for (uint256 i = 0; i < kinds.length; i++) {
            require(handler.taken(kinds[i]) > 0, string(abi.encode(kinds[i])));
        }
        invariant_money_state_queue_and_powers();
    }
}
