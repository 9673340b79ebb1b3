// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Committed} from "./Committed.sol";

/// What forge and halmos do for tests.
interface Vm {
    function prank(address sender) external;
    function prank(address sender, address origin) external;
    function deal(address who, uint256 wei_) external;
    function warp(uint256 timestamp) external;
    function etch(address where, bytes calldata code) external;
    function assume(bool condition) external;
    function writeLine(string calldata path, string calldata line) external;
    function toString(uint256 number) external pure returns (string memory);
    function load(address where, bytes32 slot) external view returns (bytes32);
    function store(address where, bytes32 slot, bytes32 value) external;
}

interface Token {
    function mint(address to, uint256 units) external;
    function approve(address spender, uint256 units) external returns (bool);
    function transfer(address to, uint256 units) external returns (bool);
    function balanceOf(address who) external view returns (uint256);
}

struct Points {
    uint256[4] a;
    uint256[8] b;
    uint256[4] c;
}

struct Proof {
    uint256 oldRoot;
    uint256 newRoot;
    uint256 digest;
    uint256 yData;
    uint256 yMsg;
    Points points;
}

struct Op {
    uint256[7] elements;
    address payer;
}

struct Settings {
    address token;
    uint256 queueSlots;
    uint256 userSlots;
    uint256 domain;
    uint256 baseUnitsPerNtok;
    uint256 ntokPerBaseUnit;
    address exodus;
}

struct Powers {
    address owner;
    address pendingOwner;
    address operator;
    address nextOperator;
    uint256 nextOperatorFrom;
    uint256 pauseEnd;
    uint256 sunset;
}

struct Progress {
    uint256 l1Time;
    uint256 processed;
    uint256 batches;
}

interface Rollup {
    function new_account(uint256 keyHash, address owner, uint256 units) external payable returns (uint256);
    function deposit(uint256 index, address owner, uint256 units) external payable;
    function change_key(uint256 index, uint256 keyHash) external payable;
    function force_exit(uint256 index) external payable;
    function force_start_close(uint256 slot, uint256 epoch, uint256 side) external payable;
    function force_claim(
        uint256 slot,
        uint256 epoch,
        uint256 lane,
        uint256 value,
        uint256[5] calldata signature
    ) external payable;
    function force_finalize(uint256 slot, uint256 epoch) external payable;
    function submit_batch(
        uint256 l1Time,
        Proof[] calldata proofs,
        uint256[] calldata data,
        Op[] calldata ops,
        uint256[] calldata withdrawals
    ) external;
    function withdraw() external returns (uint256);
    function transfer_ownership(address next) external;
    function accept_ownership() external;
    function pause() external;
    function unpause() external;
    function announce_operator(address next) external;
    function apply_operator() external;
    function announce_sunset() external;
    function start_exodus() external;
    function credit_exit(address recipient, uint256 ntok) external;
    function state_root() external view returns (uint256);
    function account_count() external view returns (uint256);
    function account_owner(uint256 index) external view returns (address);
    function enqueued() external view returns (uint256);
    function queue_record(uint256 number) external view returns (bytes32 hash, uint256 time);
    function queue_fee_wei() external view returns (uint256);
    function pending_ntok(address who) external view returns (uint256);
    function held_ntok() external view returns (uint256);
    function exodus_start() external view returns (uint256);
    function settings() external view returns (Settings memory);
    function powers() external view returns (Powers memory);
    function progress() external view returns (Progress memory);
}

interface Exodus {
    function refund(uint256 number, Op calldata op) external;
}

/// The committed bytecode, deployed: Q = 1, N = 2.
abstract contract Base {
    Vm internal constant VM = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 internal constant R = Committed.R;
    uint256 internal constant FEE = 1e13; // wei
    uint256 internal constant N = 2;

    function _deployToken(bytes memory code) internal returns (Token) {
        return Token(_create(code));
    }

    function _deployRollup(Token token, address operator, address owner) internal returns (Rollup) {
        address blueprint = _create(Committed.EXODUS_BLUEPRINT);
        bytes memory first = abi.encode(token, operator, owner, uint256(1), N, FEE);
        bytes memory rest = abi.encodePacked(Committed.KEY, abi.encode(blueprint), Committed.EXIT_KEY);
        return Rollup(_create(abi.encodePacked(Committed.ROLLUP, first, rest)));
    }

    function _create(bytes memory code) private returns (address made) {
        assembly {
            made := create(0, add(code, 32), mload(code))
        }
        require(made != address(0), "the constructor reverted");
    }

    /// The first element of an op, as docs/protocol.md has it.
    function _first(uint256 kind, uint256 index, uint256 side, uint256 epoch)
        internal
        view
        returns (uint256)
    {
        return kind + index * 2 ** 8 + side * 2 ** 32 + block.timestamp * 2 ** 40 + epoch * 2 ** 80;
    }

    function _chained(bytes32 previous, uint256[7] memory elements, address payer)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(previous, elements, payer));
    }
}
