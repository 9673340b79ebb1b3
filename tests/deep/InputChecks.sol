// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Rollup} from "./Base.sol";
import {Requests} from "./Requests.sol";

/// For all inputs (halmos): an op is taken if and only if the rules of docs/protocol.md allow it, and
/// what the queue then binds is what those rules say.
contract InputChecks is Requests {
    function check_new_account(uint256 keyHash, address owner, uint256 units, uint256 sent) public {
        bool ok = _send(sent, abi.encodeCall(Rollup.new_account, (keyHash, owner, units)));
        bool money = units > 0 && units <= TOKENS - HELD && units < 2 ** 64 - HELD;
        assert(ok == (keyHash < R && owner != address(0) && money && sent >= FEE));
        assert(rollup.account_count() == (ok ? 3 : 2));
        assert(rollup.held_ntok() == (ok ? HELD + units : HELD));
        if (ok) assert(rollup.account_owner(2) == owner);
        _binds(ok, [_first(1, 2, 0, 0), uint160(owner) + units * 2 ** 160, keyHash, 0, 0, 0, 0]);
    }

    function check_deposit(uint256 index, address owner, uint256 units, uint256 sent) public {
        bool ok = _send(sent, abi.encodeCall(Rollup.deposit, (index, owner, units)));
        bool named = (index == 0 && owner == FIRST) || (index == 1 && owner == SECOND);
        bool money = units > 0 && units <= TOKENS - HELD && units < 2 ** 64 - HELD;
        assert(ok == (named && money && sent >= FEE));
        assert(rollup.held_ntok() == (ok ? HELD + units : HELD));
        _binds(ok, [_first(2, index, 0, 0), uint160(address(this)) + units * 2 ** 160, 0, 0, 0, 0, 0]);
    }

    function check_change_key(uint256 index, uint256 keyHash, uint256 sent) public {
        bool ok = _send(sent, abi.encodeCall(Rollup.change_key, (index, keyHash)));
        assert(ok == (index < 2 && keyHash < R && sent >= FEE));
        _binds(ok, [_first(3, index, 0, 0), uint160(address(this)), keyHash, 0, 0, 0, 0]);
    }

    function check_force_exit(uint256 index, uint256 sent) public {
        bool ok = _send(sent, abi.encodeCall(Rollup.force_exit, (index)));
        assert(ok == (index < 2 && sent >= FEE));
        _binds(ok, [_first(4, index, 0, 0), uint160(address(this)), 0, 0, 0, 0, 0]);
    }

    function check_force_start_close(uint256 slot, uint256 epoch, uint256 side, uint256 sent) public {
        bool ok = _send(sent, abi.encodeCall(Rollup.force_start_close, (slot, epoch, side)));
        assert(ok == (slot < 2 ** 24 && epoch < 2 ** 32 && side < 2 && sent >= FEE));
        _binds(ok, [_first(5, slot, side, epoch), uint160(address(this)), 0, 0, 0, 0, 0]);
    }

    /// paid < 2^56 is the same as lane value < 2^96: it stands above the 40 bits of wh.
    function check_force_claim(
        uint256 slot,
        uint256 epoch,
        uint256 lane,
        uint256 value,
        uint256[5] memory signature,
        uint256 sent
    ) public {
        bool ok = _send(sent, abi.encodeCall(Rollup.force_claim, (slot, epoch, lane, value, signature)));
        bool elements =
            signature[0] < R && signature[1] < R && signature[2] < R && signature[3] < R && signature[4] < R;
        bool widths = slot < 2 ** 24 && epoch < 2 ** 32 && lane < 2 && value >> 40 < 2 ** 56;
        assert(ok == (elements && widths && sent >= FEE));
        _binds(
            ok,
            [
                _first(6, slot, lane, epoch),
                value,
                signature[0],
                signature[1],
                signature[2],
                signature[3],
                signature[4]
            ]
        );
    }

    function check_force_finalize(uint256 slot, uint256 epoch, uint256 sent) public {
        bool ok = _send(sent, abi.encodeCall(Rollup.force_finalize, (slot, epoch)));
        assert(ok == (slot < 2 ** 24 && epoch < 2 ** 32 && sent >= FEE));
        _binds(ok, [_first(7, slot, 0, epoch), 0, 0, 0, 0, 0, 0]);
    }

    /// Whatever the number of accounts: 2^24 are all.
    function check_the_last_account(uint256 count) public {
        bytes32 slot = _slotOf(Rollup.account_count.selector, 77, 77);
        VM.store(address(rollup), slot, bytes32(count));
        bool ok = _send(FEE, abi.encodeCall(Rollup.new_account, (1, FIRST, 1)));
        assert(ok == (count < 2 ** 24));
        assert(rollup.account_count() == (ok ? count + 1 : count));
    }

    /// Whatever is held already: it stays below 2^64 ntok.
    function check_the_last_ntok(uint256 held, uint256 units) public {
        VM.assume(held < 2 ** 64);
        VM.store(address(rollup), _slotOf(Rollup.held_ntok.selector, 77, 77), bytes32(held));
        bool ok = _send(FEE, abi.encodeCall(Rollup.deposit, (0, FIRST, units)));
        assert(ok == (units > 0 && units <= TOKENS - HELD && held + units < 2 ** 64));
        assert(rollup.held_ntok() == (ok ? held + units : held));
    }

    /// However many ops wait: the fee doubles with every 1,000, six times. No pause stops a forced op,
    /// only the exodus does.
    function check_the_fee_of_a_forced_op(
        uint40 processed,
        uint40 waiting,
        uint40 pauseEnd,
        uint40 exodus,
        uint256 sent
    ) public {
        VM.assume(sent <= 2 ** 70);
        _stand(processed, waiting, pauseEnd, exodus);
        (bool ok,) = address(rollup).call{value: sent}(abi.encodeCall(Rollup.force_exit, (0)));
        assert(ok == (exodus == 0 && sent >= FEE * _times(waiting)));
        assert(rollup.enqueued() == uint256(processed) + waiting + (ok ? 1 : 0));
    }

    /// A pause stops deposits, and so does the exodus.
    function check_when_a_deposit_is_taken(uint40 pauseEnd, uint40 exodus) public {
        _stand(2, 0, pauseEnd, exodus);
        bool ok = _send(FEE, abi.encodeCall(Rollup.deposit, (0, FIRST, 1)));
        assert(ok == (exodus == 0 && block.timestamp >= pauseEnd));
    }

    /// Nobody but the exodus contract credits, and nobody but the owner governs.
    function check_only_the_exodus_credits(address sender, address recipient, uint256 ntok) public {
        VM.prank(sender);
        (bool ok,) = address(rollup).call(abi.encodeCall(Rollup.credit_exit, (recipient, ntok)));
        assert(!ok); // the exodus has not started
        assert(rollup.pending_ntok(recipient) == 0);
    }

    function check_only_the_owner_governs(address sender, address next, uint8 which) public {
        VM.prank(sender);
        (bool ok,) = address(rollup).call(_power(which % 4, next));
        assert(ok == (sender == address(0xB2)));
    }

    function _power(uint256 which, address next) private pure returns (bytes memory) {
        if (which == 0) return abi.encodeCall(Rollup.transfer_ownership, (next));
        if (which == 1) return abi.encodeCall(Rollup.pause, ());
        if (which == 2) return abi.encodeCall(Rollup.announce_operator, (next));
        return abi.encodeCall(Rollup.announce_sunset, ());
    }

    /// The word with all that moves, as contracts/standing.vy packs it.
    function _stand(uint256 processed, uint256 waiting, uint256 pauseEnd, uint256 exodus) private {
        VM.assume(processed + waiting < 2 ** 40 - 1);
        bytes32 slot = _slotOf(Rollup.enqueued.selector, 77 << 120, 77);
        uint256 word = processed << 40 | (processed + waiting) << 120 | pauseEnd << 160 | exodus << 200;
        VM.store(address(rollup), slot, bytes32(word));
    }

    function _times(uint256 waiting) private pure returns (uint256) {
        if (waiting < 1000) return 1;
        if (waiting < 2000) return 2;
        if (waiting < 3000) return 4;
        if (waiting < 4000) return 8;
        if (waiting < 5000) return 16;
        return waiting < 6000 ? 32 : 64;
    }
}
