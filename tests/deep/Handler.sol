// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Exodus, Op, Proof, Rollup, Settings, Token} from "./Base.sol";
import {Committed} from "./Committed.sol";
import {Prover, Statement} from "./Prover.sol";

/// What anybody does to the rollup, beside a model of it. Every call must be taken or refused as the
/// model says, or the campaign fails there; what is taken is booked. Amounts of the model in ntok.
contract Handler is Prover {
    uint256 public constant UNIT = 1e9; // base units of the token in one ntok
    address[4] public actors = [address(0xA1), address(0xA2), address(0xA3), address(0xA4)];

    Token public token;
    Rollup public rollup;
    Exodus public exodus;
    uint256 private domain;

    // The money.
    uint256 public held;
    uint256 public inside; // what the state owns: taken in by batches, not paid out by one
    uint256 public waiting; // deposits that no batch has taken in, nor a refund given back
    uint256 public donated; // base units that no deposit brought
    mapping(address => uint256) public pending;
    // The state and the queue.
    uint256 public root;
    uint256 public l1Time;
    uint256 public batches;
    uint256 public processed;
    bytes32[] public hashes; // from op 0, which is none
    Op[] private ops;
    mapping(uint256 => bool) private refunded;
    address[] public owners; // of accounts
    // Who governs.
    address public owner = address(0xA1);
    address public offered;
    address public operator = address(0xA2);
    address public next;
    uint256 public nextFrom;
    uint256 public pauseEnd;
    uint256 public sunset;
    uint256 public exodusStart;
    // How often something was taken.
    mapping(bytes32 => uint256) public taken;

    constructor() {
        token = _deployToken(Committed.TOKEN_18);
        rollup = _deployRollup(token, operator, owner);
        Settings memory settings = rollup.settings();
        (domain, exodus) = (settings.domain, Exodus(settings.exodus));
        root = rollup.state_root();
        hashes.push(0);
        ops.push();
        for (uint256 i = 0; i < actors.length; i++) {
            token.mint(actors[i], 2 ** 120);
            VM.prank(actors[i]);
            token.approve(address(rollup), type(uint256).max);
        }
    }

    // --- queue ops --------------------------------------------------------------------------

    function newAccount(uint256 who, uint256 keyHash, uint256 to, uint256 amount, uint256 fee) external {
        address named = to % 8 == 0 ? address(0) : actors[to % 4];
        uint256 units = _units(amount);
        bool allowed = keyHash < R && named != address(0) && _mayDeposit(units);
        bytes memory call = abi.encodeCall(Rollup.new_account, (keyHash, named, units));
        if (!_enqueue(who, fee, allowed, call, "account")) return;
        uint256 ntok = units / UNIT;
        _chain(who, [_first(1, owners.length, 0, 0), uint160(named) + ntok * 2 ** 160, keyHash, 0, 0, 0, 0]);
        owners.push(named);
        (held, waiting) = (held + ntok, waiting + ntok);
    }

    function deposit(uint256 who, uint256 index, uint256 to, uint256 amount, uint256 fee) external {
        index = index % (owners.length + 1);
        address named = actors[to % 4];
        if (to % 4 != 3 && index < owners.length) named = owners[index];
        uint256 units = _units(amount);
        bool allowed = index < owners.length && owners[index] == named && _mayDeposit(units);
        if (!_enqueue(who, fee, allowed, abi.encodeCall(Rollup.deposit, (index, named, units)), "deposit")) {
            return;
        }
        uint256 ntok = units / UNIT;
        _chain(who, [_first(2, index, 0, 0), uint160(actors[who % 4]) + ntok * 2 ** 160, 0, 0, 0, 0, 0]);
        (held, waiting) = (held + ntok, waiting + ntok);
    }

    function changeKey(uint256 who, uint256 index, uint256 keyHash, uint256 fee) external {
        index = index % (owners.length + 1);
        bool allowed = index < owners.length && keyHash < R;
        if (!_enqueue(who, fee, allowed, abi.encodeCall(Rollup.change_key, (index, keyHash)), "key")) return;
        _chain(who, [_first(3, index, 0, 0), uint160(actors[who % 4]), keyHash, 0, 0, 0, 0]);
    }

    function forceExit(uint256 who, uint256 index, uint256 fee) external {
        index = index % (owners.length + 1);
        bytes memory call = abi.encodeCall(Rollup.force_exit, (index));
        if (!_enqueue(who, fee, index < owners.length, call, "exit")) return;
        _chain(who, [_first(4, index, 0, 0), uint160(actors[who % 4]), 0, 0, 0, 0, 0]);
    }

    function forceChannel(uint256 who, uint256 slot, uint256 epoch, uint256 side, uint256 fee) external {
        (slot, epoch, side) = (slot % (2 ** 24 + 2 ** 22), epoch % (2 ** 32 + 2 ** 30), side % 5);
        bool allowed = slot < 2 ** 24 && epoch < 2 ** 32;
        if (side == 4) {
            if (!_enqueue(
                    who, fee, allowed, abi.encodeCall(Rollup.force_finalize, (slot, epoch)), "finalize"
                )) return;
            _chain(who, [_first(7, slot, 0, epoch), 0, 0, 0, 0, 0, 0]);
        } else {
            bytes memory call = abi.encodeCall(Rollup.force_start_close, (slot, epoch, side));
            if (!_enqueue(who, fee, allowed && side < 2, call, "start")) return;
            _chain(who, [_first(5, slot, side, epoch), uint160(actors[who % 4]), 0, 0, 0, 0, 0]);
        }
    }

    function forceClaim(
        uint256 who,
        uint256 slot,
        uint256 lane,
        uint256 value,
        uint256[5] memory s,
        uint256 fee
    ) external {
        (slot, lane, value) = (slot % 2 ** 24, lane % 2, value % (2 ** 96 + 2 ** 95));
        bool allowed = value < 2 ** 96;
        for (uint256 i = 0; i < 5; i++) {
            if (fee % 16 != i) s[i] %= R;
            allowed = allowed && s[i] < R;
        }
        bytes memory call = abi.encodeCall(Rollup.force_claim, (slot, 7, lane, value, s));
        if (!_enqueue(who, fee, allowed, call, "claim")) return;
        _chain(who, [_first(6, slot, lane, 7), value, s[0], s[1], s[2], s[3], s[4]]);
    }

    // --- batches and payouts ----------------------------------------------------------------

    /// What an honest operator would submit, or a lie: those from 1 to 8.
    function batch(uint256 who, uint256 newRoot, uint256 lag, uint256 to, uint256 amount, uint256 lie)
        external
    {
        _batch(who, newRoot, lag, to, amount, lie);
    }

    /// The operator takes in what waits, up to four ops.
    function catchUp(uint256 newRoot, uint256 to, uint256 amount) external {
        for (uint256 i = 0; i < 4 && processed + 1 < ops.length; i++) {
            _batch(1, addmod(newRoot, i, R), 1, to, amount, 0);
        }
    }

    function _batch(uint256 who, uint256 newRoot, uint256 lag, uint256 to, uint256 amount, uint256 lie)
        private
    {
        address sender = who % 4 == 0 ? actors[(who >> 8) % 4] : operator;
        (lag, lie) = (lag % 4 == 0 ? (lag >> 8) % 7300 : 0, lie % 16);
        Statement memory s = _statement(newRoot % R, block.timestamp - lag, actors[to % 4], amount);
        Proof[] memory proofs = new Proof[](1);
        proofs[0] = _prove(s);
        bool told = _lie(s, proofs[0], lie);
        bool stuck = _oldestWaits(3 days);
        bool allowed = !told && lag <= 7200 && s.l1Time >= l1Time && exodusStart == 0
            && (stuck || (sender == operator && block.timestamp >= pauseEnd));
        bytes memory call =
            abi.encodeCall(Rollup.submit_batch, (s.l1Time, proofs, s.data, s.ops, s.withdrawals));
        if (!_call(sender, allowed, 0, call, "batch")) return;
        (root, l1Time, batches) = (s.newRoot, s.l1Time, batches + 1);
        if (s.ops.length > 0) {
            processed++;
            uint256 deposited = _deposited(processed);
            (inside, waiting) = (inside + deposited, waiting - deposited);
        }
        if (s.withdrawals.length > 0) {
            uint256 ntok = (s.withdrawals[0] >> 160) % 2 ** 64;
            inside -= ntok;
            pending[actors[to % 4]] += ntok;
            taken["payout"]++;
        }
    }

    function withdraw(uint256 who) external {
        address sender = actors[who % 4];
        uint256 before = token.balanceOf(sender);
        if (!_call(sender, pending[sender] > 0, 0, abi.encodeCall(Rollup.withdraw, ()), "withdrawal")) {
            return;
        }
        assert(token.balanceOf(sender) == before + pending[sender] * UNIT);
        held -= pending[sender];
        pending[sender] = 0;
    }

    function donate(uint256 who, uint256 units) external {
        VM.prank(actors[who % 4]);
        token.transfer(address(rollup), units % 2 ** 64);
        donated += units % 2 ** 64;
    }

    // --- the end ----------------------------------------------------------------------------

    function startExodus(uint256 who) external {
        bool over = sunset > 0 && block.timestamp >= sunset + 60 days;
        bool allowed = exodusStart == 0 && (over || _oldestWaits(7 days));
        if (allowed && who % 4 > 0) return; // it is the end: not at once
        bytes memory call = abi.encodeCall(Rollup.start_exodus, ());
        if (_call(actors[who % 4], allowed, 0, call, "exodus")) exodusStart = block.timestamp;
    }

    function refund(uint256 number, uint256 lie) external {
        if (ops.length == 1) return;
        number = 1 + number % (ops.length - 1);
        // Mostly the next one that is a deposit, whether it was given back before or not.
        for (uint256 i = 0; lie % 16 != 15 && i < ops.length && _deposited(number) == 0; i++) {
            number = 1 + number % (ops.length - 1);
        }
        Op memory op = ops[number];
        if (lie % 4 == 0) op.elements[1] += 2 ** 160;
        if (lie % 8 == 1) op.payer = address(uint160(op.payer) ^ 1);
        uint256 kind = op.elements[0] % 256;
        bool allowed = exodusStart > 0 && number > processed && (kind == 1 || kind == 2) && !refunded[number];
        allowed = allowed && lie % 4 != 0 && lie % 8 != 1;
        (bool ok,) = address(exodus).call(abi.encodeCall(Exodus.refund, (number, op)));
        assert(ok == allowed);
        if (!ok) return;
        taken["refund"]++;
        refunded[number] = true;
        pending[op.payer] += _deposited(number);
        waiting -= _deposited(number);
    }

    function credit(uint256 who, uint256 to, uint256 ntok) external {
        _call(actors[who % 4], false, 0, abi.encodeCall(Rollup.credit_exit, (actors[to % 4], ntok)), "credit");
    }

    // --- powers -----------------------------------------------------------------------------

    function govern(uint256 who, uint256 what, uint256 to) external {
        address sender = who % 2 == 0 ? owner : actors[(who >> 8) % 4];
        address named = actors[to % 4];
        bool mine = sender == owner;
        if (what % 8 == 0) {
            if (_call(sender, mine, 0, abi.encodeCall(Rollup.transfer_ownership, (named)), "offer")) {
                offered = named;
            }
        } else if (what % 8 == 1) {
            if (_call(sender, sender == offered, 0, abi.encodeCall(Rollup.accept_ownership, ()), "ownership"))
            {
                (owner, offered) = (sender, address(0));
            }
        } else if (what % 8 == 2 || what % 8 == 3) {
            bool rested = pauseEnd == 0 || block.timestamp >= pauseEnd + 30 days;
            if (_call(sender, mine && rested, 0, abi.encodeCall(Rollup.pause, ()), "pause")) {
                pauseEnd = block.timestamp + 3 days;
            }
        } else if (what % 8 == 4) {
            bool paused = block.timestamp < pauseEnd;
            if (_call(sender, mine && paused, 0, abi.encodeCall(Rollup.unpause, ()), "unpause")) {
                pauseEnd = block.timestamp;
            }
        } else if (what % 8 == 5) {
            if (_call(sender, mine, 0, abi.encodeCall(Rollup.announce_operator, (named)), "announcement")) {
                (next, nextFrom) = (named, block.timestamp + 45 days);
            }
        } else if (what % 8 == 6) {
            if (to % 2 == 1 && next != address(0) && nextFrom > block.timestamp) VM.warp(nextFrom - to % 3 / 2);
            bool due = next != address(0) && block.timestamp >= nextFrom;
            if (_call(sender, due, 0, abi.encodeCall(Rollup.apply_operator, ()), "operator")) {
                (operator, next) = (next, address(0));
            }
        } else if (to % 4 == 0) {
            // Seldom: it is for good.
            if (_call(sender, mine && sunset == 0, 0, abi.encodeCall(Rollup.announce_sunset, ()), "sunset")) {
                sunset = block.timestamp;
            }
        }
    }

    function wait(uint256 time) external {
        uint256[8] memory times = [uint256(1), 60, 7200, 1 days, 3 days + 1, 7 days + 1, 30 days, 45 days];
        uint256 which = time % 24;
        VM.warp(block.timestamp + times[which < 8 ? which : which % 4]);
    }

    // --- the model --------------------------------------------------------------------------

    function queueLength() external view returns (uint256) {
        return ops.length - 1;
    }

    function accounts() external view returns (uint256) {
        return owners.length;
    }

    function _units(uint256 amount) private pure returns (uint256) {
        if (amount % 16 == 0) return amount % 2 ** 90; // mostly no whole number of ntok
        if (amount % 16 == 1) return UNIT * 2 ** 63;
        return UNIT * (amount % 2 ** 56);
    }

    function _mayDeposit(uint256 units) private view returns (bool) {
        bool whole = units > 0 && units % UNIT == 0 && held + units / UNIT < 2 ** 64;
        return whole && block.timestamp >= pauseEnd && (sunset == 0 || block.timestamp < sunset + 30 days);
    }

    function _oldestWaits(uint256 age) private view returns (bool) {
        return processed + 1 < ops.length && _time(processed + 1) + age < block.timestamp;
    }

    function _time(uint256 number) private view returns (uint256) {
        return (ops[number].elements[0] >> 40) % 2 ** 40;
    }

    function _deposited(uint256 number) private view returns (uint256) {
        uint256 kind = ops[number].elements[0] % 256;
        return kind == 1 || kind == 2 ? ops[number].elements[1] >> 160 : 0;
    }

    function _statement(uint256 newRoot, uint256 time, address to, uint256 amount)
        private
        view
        returns (Statement memory s)
    {
        (s.oldRoot, s.newRoot, s.domain, s.l1Time) = (root, newRoot, domain, time);
        s.data = new uint256[](1 + N);
        s.data[1] = amount % R;
        bool due = processed + 1 < ops.length && _time(processed + 1) <= time;
        s.ops = new Op[](due ? 1 : 0);
        if (due) s.ops[0] = ops[processed + 1];
        uint256 left = processed + s.ops.length + 1;
        s.covered = left < ops.length && _time(left) < time ? _time(left) : time;
        uint256 most = inside + (due ? _deposited(processed + 1) : 0);
        uint256 ntok = most == 0 ? 0 : amount % (most + 1);
        s.withdrawals = new uint256[](ntok > 0 ? 1 : 0);
        uint256 place = due && amount % 2 == 0 ? 7 : 8 + amount % N;
        if (ntok > 0) s.withdrawals[0] = uint160(to) + ntok * 2 ** 160 + place * 2 ** 224;
    }

    function _lie(Statement memory s, Proof memory proof, uint256 lie) private view returns (bool) {
        if (lie == 1) proof.newRoot = addmod(proof.newRoot, 1, R);
        else if (lie == 2) proof.points.c = _times(5);
        else if (lie == 3 && s.withdrawals.length > 0) s.withdrawals[0] += 2 ** 160;
        else if (lie == 4) s.data[0] = 1;
        else if (lie == 5) proof.oldRoot = addmod(proof.oldRoot, 1, R);
        else if (lie == 6) proof.yMsg = addmod(proof.yMsg, 1, R);
        else if (lie == 7 && s.ops.length > 0) s.ops = new Op[](0);
        else if (lie == 8 && s.ops.length > 0) s.ops[0].elements[1] ^= 1;
        else return false;
        return true;
    }

    function _enqueue(uint256 who, uint256 fee, bool allowed, bytes memory call, bytes32 what)
        private
        returns (bool ok)
    {
        uint256 wei_ = fee % 8 == 0 ? FEE - 1 : FEE + (fee % 3);
        address sender = actors[who % 4];
        VM.deal(sender, 1 ether);
        ok = _call(sender, allowed && wei_ >= FEE && exodusStart == 0, wei_, call, what);
        assert(sender.balance == (ok ? 1 ether - FEE : 1 ether));
    }

    function _call(address sender, bool allowed, uint256 wei_, bytes memory call, bytes32 what)
        private
        returns (bool ok)
    {
        VM.prank(sender, sender); // a batch must be called by its transaction itself
        (ok,) = address(rollup).call{value: wei_}(call);
        assert(ok == allowed);
        if (ok) taken[what]++;
    }

    function _chain(uint256 who, uint256[7] memory elements) private {
        address payer = actors[who % 4];
        hashes.push(_chained(hashes[hashes.length - 1], elements, payer));
        ops.push(Op(elements, payer));
    }
}
