"""PTX, as NVIDIA's compiler wrote it, executed by the CPU: translated to LLVM, thread by thread.

It knows the instructions that the prover's kernels are made of and refuses any other. Registers
and the carry flag become stack slots, which LLVM's optimizer removes; memory is that of this
process, so device pointers are host pointers.
Ref: NVIDIA, "PTX ISA" 8.8, chapters 5, 7 and 9.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llvmlite import binding, ir

from tests.prover.gpu.ptx_text import Source, bits_of, functions, params

_I32, _I64, _BYTE = ir.IntType(32), ir.IntType(64), ir.IntType(8)
_POINTER = ir.PointerType(_BYTE)
_PREFIXES = {"%p": 1, "%rs": 16, "%r": 32, "%rd": 64}
SPECIAL = ("%tid.x", "%ctaid.x", "%ntid.x", "%nctaid.x")
_COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class PtxProgram:
    """The entry function of a PTX module, callable for one thread."""

    def __init__(self, ptx: str) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        sources = functions(ptx)
        module = ir.Module("ptx")
        declared = {each.name: _declare(module, each) for each in sources}
        for each in sources:
            _Translation(each, declared).run()
        [entry] = [each for each in sources if each.is_entry]
        self.parameter_sizes = [size for _, size in entry.params]
        parsed = binding.parse_assembly(str(module))
        parsed.verify()
        machine = binding.Target.from_default_triple().create_target_machine(opt=2)
        options = binding.create_pipeline_tuning_options(speed_level=2)
        passes = binding.create_pass_builder(machine, options)
        passes.getModulePassManager().run(parsed, passes)
        self._engine = binding.create_mcjit_compiler(parsed, machine)
        self._engine.finalize_object()
        self._address = self._engine.get_function_address(entry.name)
        self.function: Callable[..., None] = ctypes.CFUNCTYPE(
            None,
            *([ctypes.c_uint64] * len(entry.params)),
            *([ctypes.c_uint32] * len(SPECIAL)),
        )(self._address)


def _declare(module: ir.Module, source: Source) -> ir.Function:
    if source.is_entry:
        assert all(size == 8 for _, size in source.params)
        kinds: list[ir.Type] = [_I64] * len(source.params) + [_I32] * len(SPECIAL)
    else:
        kinds = [_POINTER] * (len(source.params) + (source.result is not None))
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), source.name)
    if not source.is_entry:
        function.linkage = "internal"
        function.attributes.add("noinline")
    return function


@dataclass
class _Translation:
    """One function on its way from PTX to LLVM."""

    source: Source
    declared: dict[str, ir.Function]
    slots: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        self.function = self.declared[self.source.name]
        self.top = ir.IRBuilder(self.function.append_basic_block("slots"))
        self.carry = self.top.alloca(ir.IntType(1))
        arguments = list(self.function.args)
        if self.source.is_entry:
            for (name, size), value in zip(self.source.params, arguments, strict=False):
                self.slots[name] = self.top.alloca(_BYTE, size)
                self.top.store(value, self.cast(self.top, self.slots[name], 64))
            self.special = dict(zip(SPECIAL, arguments[len(self.source.params) :], strict=True))
        else:
            names = [name for name, _ in self.source.params]
            if self.source.result is not None:
                names.insert(0, self.source.result[0])
            self.slots |= dict(zip(names, arguments, strict=True))
            self.special = {}
        first = self.function.append_basic_block("body")
        self.builder = ir.IRBuilder(first)
        for statement in self.statements():
            self.translate(statement)
        if not self.builder.block.is_terminated:
            self.builder.unreachable()
        self.top.branch(first)

    def statements(self) -> list[str]:
        text = re.sub(r"[{}]", ";", self.source.body)
        text = re.sub(r"(\$[\w$]+):", r";\1:;", text)
        return [" ".join(part.split()) for part in text.split(";") if part.strip()]

    # --- values -----------------------------------------------------------------------------

    def cast(self, builder: ir.IRBuilder, pointer: Any, bits: int) -> Any:
        return builder.bitcast(pointer, ir.PointerType(ir.IntType(bits)))

    def register(self, name: str) -> Any:
        if name not in self.slots:
            prefix = re.match(r"%[a-z]+", name)
            assert prefix is not None, name
            self.slots[name] = self.top.alloca(ir.IntType(_PREFIXES[prefix[0]]))
        return self.slots[name]

    def value(self, text: str, bits: int) -> Any:
        kind = ir.IntType(bits)
        if text in self.special:
            return self.special[text]
        if text.startswith("%"):
            loaded = self.builder.load(self.register(text))
            assert loaded.type.width >= bits, (text, bits)  # st and cvt take the lower bits
            return loaded if loaded.type.width == bits else self.builder.trunc(loaded, kind)
        return ir.Constant(kind, int(text, 0) % (1 << bits))

    def assign(self, name: str, value: Any) -> None:
        slot = self.register(name)
        assert slot.type.pointee == value.type, (name, str(value.type))
        self.builder.store(value, slot)

    def address(self, text: str, bits: int) -> Any:
        """The pointer that [name+offset] or [%register+offset] stands for."""
        match = re.fullmatch(r"\[([%\w$]+)(?:\+(-?\d+))?\]", text)
        assert match is not None, text
        base, offset = match[1], ir.Constant(_I64, int(match[2] or 0))
        if base.startswith("%"):
            number = self.builder.add(self.value(base, 64), offset)
            return self.builder.inttoptr(number, ir.PointerType(ir.IntType(bits)))
        return self.cast(self.builder, self.builder.gep(self.slots[base], [offset]), bits)

    # --- control ----------------------------------------------------------------------------

    def label(self, name: str) -> Any:
        if name not in self.labels:
            self.labels[name] = self.function.append_basic_block()
        return self.labels[name]

    def continue_in(self, block: Any) -> None:
        if not self.builder.block.is_terminated:
            self.builder.branch(block)
        self.builder.position_at_end(block)

    def translate(self, statement: str) -> None:
        if statement.endswith(":"):
            self.continue_in(self.label(statement[:-1]))
            return
        if statement.startswith(".param"):
            [(name, size)] = params(statement)
            self.slots[name] = self.top.alloca(_BYTE, size)
            return
        named = re.fullmatch(r"\.reg \.(\w+) (%\w+)", statement)
        if named is not None:
            self.slots[named[2]] = self.top.alloca(ir.IntType(bits_of(named[1])))
            return
        if statement.startswith((".reg", ".pragma")):
            return
        guard = re.match(r"@(!?)(%p\d+) (.*)", statement)
        if guard is None:
            self.instruction(statement)
            return
        then = self.function.append_basic_block()
        after = self.function.append_basic_block()
        condition = self.value(guard[2], 1)
        targets = (after, then) if guard[1] else (then, after)
        self.builder.cbranch(condition, *targets)
        self.builder.position_at_end(then)
        self.instruction(guard[3])
        self.continue_in(after)

    def instruction(self, text: str) -> None:
        opcode, _, rest = text.partition(" ")
        name, *modifiers = opcode.split(".")
        if name == "call":
            self.call(rest)
            return
        operands = [part.strip() for part in re.split(r",(?![^\[]*\])", rest) if part.strip()]
        if name == "bra":
            self.builder.branch(self.label(operands[0]))
            self.builder.position_at_end(self.function.append_basic_block())
        elif name == "ret":
            self.builder.ret_void()
            self.builder.position_at_end(self.function.append_basic_block())
        else:
            handler: Any = getattr(self, f"op_{name}", None)
            if handler is None:
                raise NotImplementedError(f"PTX instruction {opcode}")
            handler(modifiers, operands)

    def call(self, rest: str) -> None:
        match = re.fullmatch(r"(?:\((\w+)\), )?([\w$]+), \((.*)\)", rest)
        assert match is not None, rest
        names = [match[1]] if match[1] else []
        names += [part.strip() for part in match[3].split(",") if part.strip()]
        self.builder.call(self.declared[match[2]], [self.slots[name] for name in names])

    # --- instructions -----------------------------------------------------------------------

    def op_mov(self, modifiers: list[str], operands: list[str]) -> None:
        self.assign(operands[0], self.value(operands[1], bits_of(modifiers[-1])))

    def op_cvta(self, modifiers: list[str], operands: list[str]) -> None:
        self.assign(operands[0], self.value(operands[1], 64))

    def op_ld(self, modifiers: list[str], operands: list[str]) -> None:
        loaded = self.builder.load(self.address(operands[1], bits_of(modifiers[-1])))
        wanted = self.register(operands[0]).type.pointee.width
        if wanted > loaded.type.width:
            extend = self.builder.sext if modifiers[-1][0] == "s" else self.builder.zext
            loaded = extend(loaded, ir.IntType(wanted))
        self.assign(operands[0], loaded)

    def op_st(self, modifiers: list[str], operands: list[str]) -> None:
        bits = bits_of(modifiers[-1])
        self.builder.store(self.value(operands[1], bits), self.address(operands[0], bits))

    def op_atom(self, modifiers: list[str], operands: list[str]) -> None:
        assert modifiers == ["global", "add", "u32"], modifiers
        address, amount = self.address(operands[1], 32), self.value(operands[2], 32)
        self.assign(operands[0], self.builder.atomic_rmw("add", address, amount, "seq_cst"))

    def op_cvt(self, modifiers: list[str], operands: list[str]) -> None:
        to, source = modifiers[-2:]
        value = self.value(operands[1], bits_of(source))
        kind = ir.IntType(bits_of(to))
        if kind.width > value.type.width:
            value = (self.builder.sext if source[0] == "s" else self.builder.zext)(value, kind)
        elif kind.width < value.type.width:
            value = self.builder.trunc(value, kind)
        self.assign(operands[0], value)

    def op_setp(self, modifiers: list[str], operands: list[str]) -> None:
        comparison, kind = modifiers
        left, right = (self.value(each, bits_of(kind)) for each in operands[1:])
        compare = self.builder.icmp_signed if kind[0] == "s" else self.builder.icmp_unsigned
        self.assign(operands[0], compare(_COMPARE[comparison], left, right))

    def op_selp(self, modifiers: list[str], operands: list[str]) -> None:
        bits = bits_of(modifiers[-1])
        yes, no = self.value(operands[1], bits), self.value(operands[2], bits)
        self.assign(operands[0], self.builder.select(self.value(operands[3], 1), yes, no))

    def op_min(self, modifiers: list[str], operands: list[str]) -> None:
        self.least(modifiers, operands, "<")

    def op_max(self, modifiers: list[str], operands: list[str]) -> None:
        self.least(modifiers, operands, ">")

    def least(self, modifiers: list[str], operands: list[str], comparison: str) -> None:
        left, right = (self.value(each, bits_of(modifiers[-1])) for each in operands[1:])
        signed = modifiers[-1][0] == "s"
        compare = self.builder.icmp_signed if signed else self.builder.icmp_unsigned
        self.assign(operands[0], self.builder.select(compare(comparison, left, right), left, right))

    def op_neg(self, modifiers: list[str], operands: list[str]) -> None:
        self.assign(operands[0], self.builder.neg(self.value(operands[1], bits_of(modifiers[-1]))))

    def op_not(self, modifiers: list[str], operands: list[str]) -> None:
        self.assign(operands[0], self.builder.not_(self.value(operands[1], bits_of(modifiers[-1]))))

    def op_abs(self, modifiers: list[str], operands: list[str]) -> None:
        value = self.value(operands[1], bits_of(modifiers[-1]))
        negative = self.builder.icmp_signed("<", value, ir.Constant(value.type, 0))
        self.assign(operands[0], self.builder.select(negative, self.builder.neg(value), value))

    def op_clz(self, modifiers: list[str], operands: list[str]) -> None:
        value = self.value(operands[1], bits_of(modifiers[-1]))
        zeros = self.builder.ctlz(value, ir.Constant(ir.IntType(1), 0))
        self.assign(operands[0], zeros if value.type == _I32 else self.builder.trunc(zeros, _I32))

    def op_bfi(self, modifiers: list[str], operands: list[str]) -> None:
        """The lowest `length` bits of a, inserted into b at `start`."""
        start, length = (int(each, 0) for each in operands[3:])
        inserted, into = self.two(modifiers, operands)
        mask = (1 << length) - 1 << start
        shifted = self.builder.shl(inserted, ir.Constant(into.type, start))
        kept = self.builder.and_(into, ir.Constant(into.type, ~mask))
        new = self.builder.and_(shifted, ir.Constant(into.type, mask))
        self.assign(operands[0], self.builder.or_(kept, new))

    def op_bfe(self, modifiers: list[str], operands: list[str]) -> None:
        """`length` bits of a from `start`, with the sign of the highest where the type has one."""
        value = self.value(operands[1], bits_of(modifiers[-1]))
        start, length = (int(each, 0) for each in operands[2:])
        unused = value.type.width - start - length
        value = self.builder.shl(value, ir.Constant(value.type, unused))
        signed = modifiers[-1][0] == "s"
        shift = self.builder.ashr if signed else self.builder.lshr
        self.assign(operands[0], shift(value, ir.Constant(value.type, unused + start)))

    def two(self, modifiers: list[str], operands: list[str]) -> tuple[Any, Any]:
        bits = bits_of(modifiers[-1])
        return self.value(operands[1], bits), self.value(operands[2], bits)

    def op_and(self, modifiers: list[str], operands: list[str]) -> None:
        self.assign(operands[0], self.builder.and_(*self.two(modifiers, operands)))

    def op_or(self, modifiers: list[str], operands: list[str]) -> None:
        self.assign(operands[0], self.builder.or_(*self.two(modifiers, operands)))

    def op_xor(self, modifiers: list[str], operands: list[str]) -> None:
        self.assign(operands[0], self.builder.xor(*self.two(modifiers, operands)))

    def op_div(self, modifiers: list[str], operands: list[str]) -> None:
        divide = self.builder.sdiv if modifiers[-1][0] == "s" else self.builder.udiv
        self.assign(operands[0], divide(*self.two(modifiers, operands)))

    def op_rem(self, modifiers: list[str], operands: list[str]) -> None:
        remain = self.builder.srem if modifiers[-1][0] == "s" else self.builder.urem
        self.assign(operands[0], remain(*self.two(modifiers, operands)))

    def op_shl(self, modifiers: list[str], operands: list[str]) -> None:
        self.shift(self.builder.shl, modifiers, operands)

    def op_shr(self, modifiers: list[str], operands: list[str]) -> None:
        arithmetic = modifiers[-1][0] == "s"
        self.shift(self.builder.ashr if arithmetic else self.builder.lshr, modifiers, operands)

    def shift(self, shift: Any, modifiers: list[str], operands: list[str]) -> None:
        """Amounts of all bits and more leave nothing (or the sign), unlike in LLVM."""
        value = self.value(operands[1], bits_of(modifiers[-1]))
        bits = value.type.width
        amount = self.value(operands[2], 32)
        last = ir.Constant(_I32, bits - 1)
        small = self.builder.icmp_unsigned("<=", amount, last)
        clamped = self.builder.select(small, amount, last)
        amount = self.builder.zext(clamped, value.type) if bits == 64 else clamped
        shifted = shift(value, amount)
        if shift != self.builder.ashr:
            shifted = self.builder.select(small, shifted, ir.Constant(value.type, 0))
        self.assign(operands[0], shifted)

    def op_mul(self, modifiers: list[str], operands: list[str]) -> None:
        part, kind = modifiers
        bits = bits_of(kind)
        extend = self.builder.sext if kind[0] == "s" else self.builder.zext
        wide = ir.IntType(2 * bits)
        left, right = self.two(modifiers, operands)
        product = self.builder.mul(extend(left, wide), extend(right, wide))
        if part == "hi":
            product = self.builder.lshr(product, ir.Constant(wide, bits))
        if part != "wide":
            product = self.builder.trunc(product, ir.IntType(bits))
        self.assign(operands[0], product)

    def op_mad(self, modifiers: list[str], operands: list[str]) -> None:
        assert modifiers[0] == "lo", modifiers
        product = self.builder.mul(*self.two(modifiers, operands))
        added = self.value(operands[3], bits_of(modifiers[-1]))
        self.assign(operands[0], self.builder.add(product, added))

    def op_add(self, modifiers: list[str], operands: list[str]) -> None:
        self.with_carry(modifiers, operands, self.builder.add, take=False)

    def op_addc(self, modifiers: list[str], operands: list[str]) -> None:
        self.with_carry(modifiers, operands, self.builder.add, take=True)

    def op_sub(self, modifiers: list[str], operands: list[str]) -> None:
        self.with_carry(modifiers, operands, self.builder.sub, take=False)

    def op_subc(self, modifiers: list[str], operands: list[str]) -> None:
        self.with_carry(modifiers, operands, self.builder.sub, take=True)

    def with_carry(
        self, modifiers: list[str], operands: list[str], combine: Any, *, take: bool
    ) -> None:
        """One bit more than the word has holds the carry, or the borrow, out."""
        left, right = self.two(modifiers, operands)
        bits = left.type.width
        wide = ir.IntType(bits + 1)
        total = combine(self.builder.zext(left, wide), self.builder.zext(right, wide))
        if take:
            total = combine(total, self.builder.zext(self.builder.load(self.carry), wide))
        if "cc" in modifiers:
            out = self.builder.lshr(total, ir.Constant(wide, bits))
            self.builder.store(self.builder.trunc(out, ir.IntType(1)), self.carry)
        self.assign(operands[0], self.builder.trunc(total, left.type))
