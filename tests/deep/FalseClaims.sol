// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Rollup} from "./Base.sol";
import {Requests} from "./Requests.sol";

/// What is not true: each of these must be refuted, or InputChecks sees nothing.
contract FalseClaims is Requests {
    function check_false_that_r_is_an_element(uint256 element) public {
        uint256[5] memory signature = [uint256(0), 0, 0, 0, element];
        bool ok = _send(FEE, abi.encodeCall(Rollup.force_claim, (0, 0, 0, 0, signature)));
        assert(ok == (element <= R));
    }

    function check_false_that_paid_has_57_bits(uint256 value) public {
        bool ok = _send(FEE, abi.encodeCall(Rollup.force_claim, (0, 0, 0, value, _none())));
        assert(ok == (value < 2 ** 97));
    }

    function check_false_that_paid_has_55_bits(uint256 value) public {
        bool ok = _send(FEE, abi.encodeCall(Rollup.force_claim, (0, 0, 0, value, _none())));
        assert(ok == (value < 2 ** 95));
    }

    function check_false_that_no_deposit_is_taken(uint256 units) public {
        assert(!_send(FEE, abi.encodeCall(Rollup.deposit, (0, FIRST, units))));
    }

    function check_false_that_the_payer_is_not_bound(uint256 keyHash) public {
        bool ok = _send(FEE, abi.encodeCall(Rollup.change_key, (0, keyHash)));
        _binds(ok, [_first(3, 0, 0, 0), 0, keyHash, 0, 0, 0, 0]);
    }

    function _none() private pure returns (uint256[5] memory) {}
}
