// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base, Rollup, Token} from "./Base.sol";
import {Committed} from "./Committed.sol";

/// A rollup for the solver to ask: two accounts are there, one op waits for each, and the token has 9
/// decimals, so that no division stands in the solver's way. The precompiles of EIP-2537 are stubs
/// here: only the constructor's check of the key calls them.
abstract contract Requests is Base {
    uint256 internal constant TOKENS = 2 ** 70;
    uint256 internal constant HELD = 2; // ntok, of the two accounts
    address internal constant FIRST = address(0xA1);
    address internal constant SECOND = address(0xA2);

    Rollup internal rollup;
    bytes32 internal last; // the second op's hash

    receive() external payable {}

    function setUp() public {
        VM.etch(address(0x0c), hex"60806000f3"); // G1MSM: 128 bytes of zeros
        VM.etch(address(0x0f), hex"600160005260206000f3"); // PAIRING: 1
        Token token = _deployToken(Committed.TOKEN_9);
        rollup = _deployRollup(token, address(0xB1), address(0xB2));
        token.mint(address(this), TOKENS);
        token.approve(address(rollup), type(uint256).max);
        VM.deal(address(this), 2 ** 80);
        rollup.new_account{value: FEE}(1, FIRST, 1);
        rollup.new_account{value: FEE}(2, SECOND, 1);
        (last,) = rollup.queue_record(2);
    }

    function _send(uint256 sent, bytes memory call) internal returns (bool ok) {
        VM.assume(sent <= 2 ** 70);
        uint256 before = address(this).balance;
        (ok,) = address(rollup).call{value: sent}(call);
        assert(address(this).balance == (ok ? before - FEE : before));
        assert(address(rollup).balance == 0);
    }

    /// One op more, bound to its predecessor with these elements and who paid; or none.
    function _binds(bool ok, uint256[7] memory elements) internal view {
        assert(rollup.enqueued() == (ok ? 3 : 2));
        (bytes32 hash, uint256 time) = rollup.queue_record(3);
        if (ok) assert(time == block.timestamp && hash == _chained(last, elements, address(this)));
        else assert(time == 0 && hash == 0);
    }

    /// Where the bytecode keeps what `answer` is read from: the one slot that this value in it shows in.
    function _slotOf(bytes4 view_, uint256 word, uint256 answer) internal returns (bytes32 slot) {
        for (uint256 i = 0; i < 64; i++) {
            slot = bytes32(i);
            bytes32 there = VM.load(address(rollup), slot);
            VM.store(address(rollup), slot, bytes32(word));
            (, bytes memory seen) = address(rollup).staticcall(abi.encodeWithSelector(view_));
            VM.store(address(rollup), slot, there);
            if (abi.decode(seen, (uint256)) == answer) return slot;
        }
        revert("not found");
    }
}
