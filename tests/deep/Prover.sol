// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base, Op, Proof} from "./Base.sol";
import {Committed} from "./Committed.sol";

/// A batch of one proof, stated as an honest operator would (docs/protocol.md, section 6).
struct Statement {
    uint256 oldRoot;
    uint256 newRoot;
    uint256 domain;
    uint256 l1Time;
    uint256 covered;
    uint256[] data;
    Op[] ops; // none or one: Q = 1
    uint256[] withdrawals; // none or one
}

/// Proofs of any statement, by the trapdoor of the key that only these tests deploy: a = b = 1, and c
/// solves the pairing equation. The contract checks them as it checks any other.
abstract contract Prover is Base {
    function _prove(Statement memory s) internal view returns (Proof memory proof) {
        bytes32 messages;
        if (s.ops.length > 0) messages = keccak256(abi.encode(messages, s.ops[0].elements));
        if (s.withdrawals.length > 0) messages = keccak256(abi.encode(messages, s.withdrawals[0]));
        uint256 context = s.domain + s.l1Time * 2 ** 128 + s.covered * 2 ** 168;
        bytes32 chain = keccak256(
            abi.encode(
                keccak256("wattlane-z"), uint256(0), uint256(1), keccak256(abi.encode(s.data)), messages
            )
        );
        proof.oldRoot = s.oldRoot;
        proof.newRoot = s.newRoot;
        proof.digest = 0xD16E57;
        chain = keccak256(abi.encode(chain, s.oldRoot, s.newRoot, context, proof.digest));
        uint256 z = uint256(chain) % R;
        for (uint256 i = s.data.length; i > 0; i--) {
            proof.yData = addmod(mulmod(proof.yData, z, R), s.data[i - 1], R);
        }
        proof.yMsg = _messagesAt(s, context, z);
        proof.points.a = abi.decode(Committed.G1, (uint256[4]));
        proof.points.b = abi.decode(Committed.G2, (uint256[8]));
        proof.points.c = _c(proof, z);
    }

    /// All W + 3 message elements, one after the other, at z.
    function _messagesAt(Statement memory s, uint256 context, uint256 z) private pure returns (uint256 y) {
        uint256[8 + N + 3] memory elements;
        if (s.ops.length > 0) {
            for (uint256 i = 0; i < 7; i++) {
                elements[i] = s.ops[0].elements[i];
            }
        }
        if (s.withdrawals.length > 0) elements[s.withdrawals[0] >> 224] = s.withdrawals[0] % 2 ** 224;
        elements[8 + N] = s.oldRoot;
        elements[8 + N + 1] = s.newRoot;
        elements[8 + N + 2] = context;
        for (uint256 i = elements.length; i > 0; i--) {
            y = addmod(mulmod(y, z, R), elements[i - 1], R);
        }
    }

    function _c(Proof memory proof, uint256 z) private view returns (uint256[4] memory) {
        uint256 statement = addmod(Committed.IC_0, mulmod(proof.digest, Committed.IC_1, R), R);
        statement = addmod(statement, mulmod(z, Committed.IC_2, R), R);
        statement = addmod(statement, mulmod(proof.yData, Committed.IC_3, R), R);
        statement = addmod(statement, mulmod(proof.yMsg, Committed.IC_4, R), R);
        uint256 known = addmod(Committed.ALPHA_BETA, mulmod(Committed.GAMMA, statement, R), R);
        return _times(mulmod(addmod(1, R - known, R), Committed.DELTA_INVERSE, R));
    }

    /// scalar * G1's generator. Ref: EIP-2537, G1MSM.
    function _times(uint256 scalar) internal view returns (uint256[4] memory) {
        (bool ok, bytes memory point) = address(0x0c).staticcall(abi.encodePacked(Committed.G1, scalar));
        require(ok && point.length == 128, "no EIP-2537 here");
        return abi.decode(point, (uint256[4]));
    }
}
