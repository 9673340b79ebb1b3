# pragma version 0.4.3
"""
@title Groth16 over BLS12-381, on the EIP-2537 precompiles
@license Apache-2.0
@notice Owns one rule: `_verify` answers True only if the pairing equation
        e(A, B) = e(alpha, beta) e(IC_0 + sum x_i IC_i, gamma) e(C, delta)
        holds. There is no key but the one given at deployment, and no way around the check.
@dev    Ref: EIP-2537 (encodings and addresses), ePrint 2016/260 section 3.2 (the equation).
        One proof; several are checked by `combination`, which takes its steps from here.
        A proof's points go straight into the pairing, and the key's IC points into the MSM: both
        check curve and subgroup. The one G1ADD adds the key's IC_0 to an MSM's result, and its
        sum enters the pairing too. Infinity never gets that far. On a chain without EIP-2537
        these addresses answer with no data: each call checks the length of what came back,
        so everything fails closed.
        A module of the rollup rather than a contract of its own: no call between the two (2,600
        gas and the copying of all arguments), one address to audit, and no pointer to replace.
        The key is an immutable, which is code: reading it costs 3 gas a word, not 2,100.
"""

INPUTS: constant(uint256) = 4

G1ADD: constant(address) = 0x000000000000000000000000000000000000000b
G1MSM: constant(address) = 0x000000000000000000000000000000000000000C
PAIRING: constant(address) = 0x000000000000000000000000000000000000000F


# The key as the equation uses it: three points are stored negated (the y coordinate replaced by
# p - y), so that all four pairings multiply to 1 and nothing is negated on chain.
# Points: EIP-2537, field elements of 64 bytes (two words); G2 as x.c0, x.c1, y.c0, y.c1.
struct VerifyingKey:
    neg_alpha_g1: uint256[4]
    beta_g2: uint256[8]
    neg_gamma_g2: uint256[8]
    neg_delta_g2: uint256[8]
    ic_g1: uint256[4][5]


struct Points:
    a_g1: uint256[4]
    b_g2: uint256[8]
    c_g1: uint256[4]


KEY: immutable(VerifyingKey)
KEY_HASH: immutable(bytes32)


@deploy
def __init__(key: VerifyingKey):
    """
    @dev Refuses a key with a point at infinity, off the curve or off the subgroup, with
         gamma = +-delta (the same x), or on a chain without the precompiles.
    """
    assert not self._g1_is_infinity(key.neg_alpha_g1), "KeyInfinity"
    assert not self._g2_is_infinity(key.beta_g2), "KeyInfinity"
    assert not self._g2_is_infinity(key.neg_gamma_g2), "KeyInfinity"
    assert not self._g2_is_infinity(key.neg_delta_g2), "KeyInfinity"
    for point: uint256[4] in key.ic_g1:
        assert not self._g1_is_infinity(point), "KeyInfinity"
    assert (
        slice(abi_encode(key.neg_gamma_g2), 0, 128) != slice(abi_encode(key.neg_delta_g2), 0, 128)
    ), "KeyGammaIsDelta"
    for point: uint256[4] in key.ic_g1:
        ignored: uint256[4] = self._call_g1(G1MSM, abi_encode(point, convert(1, uint256)))
    # The answer does not matter here: that there is one says the points are in their subgroups.
    answer: bool = self._pairing(
        abi_encode(
            key.neg_alpha_g1,
            key.beta_g2,
            key.neg_alpha_g1,
            key.neg_gamma_g2,
            key.neg_alpha_g1,
            key.neg_delta_g2,
        )
    )
    KEY = key
    KEY_HASH = keccak256(abi_encode(key))


@internal
@view
def _verify(proof: Points, inputs: uint256[INPUTS]) -> bool:
    """
    @dev The caller has checked that every input is below r, the order of the field Fr.
    @param inputs The public inputs in the order of the circuit.
    """
    self._check_points(proof)
    weighted_g1: uint256[4] = self._call_g1(
        G1MSM,
        abi_encode(
            KEY.ic_g1[1],
            inputs[0],
            KEY.ic_g1[2],
            inputs[1],
            KEY.ic_g1[3],
            inputs[2],
            KEY.ic_g1[4],
            inputs[3],
        ),
    )
    statement_g1: uint256[4] = self._call_g1(G1ADD, abi_encode(KEY.ic_g1[0], weighted_g1))
    return self._pairing(
        abi_encode(
            proof.a_g1,
            proof.b_g2,
            KEY.neg_alpha_g1,
            KEY.beta_g2,
            statement_g1,
            KEY.neg_gamma_g2,
            proof.c_g1,
            KEY.neg_delta_g2,
        )
    )


@internal
@view
def _check_points(proof: Points):
    """
    @dev Curve and subgroup are checked where the points are used.
    """
    assert not self._g1_is_infinity(proof.a_g1), "ProofInfinity"
    assert not self._g2_is_infinity(proof.b_g2), "ProofInfinity"
    assert not self._g1_is_infinity(proof.c_g1), "ProofInfinity"


@internal
@view
def _scaled(point: uint256[4], factor: uint256) -> uint256[4]:
    """
    @return factor * point, whose subgroup is checked.
    """
    return self._call_g1(G1MSM, abi_encode(point, factor))


@internal
@view
def _statement(factors: uint256[5]) -> uint256[4]:
    """
    @return sum factors_i IC_i.
    """
    return self._call_g1(
        G1MSM,
        abi_encode(
            KEY.ic_g1[0],
            factors[0],
            KEY.ic_g1[1],
            factors[1],
            KEY.ic_g1[2],
            factors[2],
            KEY.ic_g1[3],
            factors[3],
            KEY.ic_g1[4],
            factors[4],
        ),
    )


@internal
@view
def _call_g1(precompile: address, arguments: Bytes[800]) -> uint256[4]:
    success: bool = False
    answer: Bytes[129] = b""
    success, answer = raw_call(
        precompile, arguments, max_outsize=129, is_static_call=True, revert_on_failure=False
    )
    return self._point(success, answer)


@internal
@view
def _pairing(pairs: Bytes[1536]) -> bool:
    success: bool = False
    answer: Bytes[33] = b""
    success, answer = raw_call(
        PAIRING, pairs, max_outsize=33, is_static_call=True, revert_on_failure=False
    )
    return self._verdict(success, answer)


@internal
@pure
def _point(success: bool, answer: Bytes[129]) -> uint256[4]:
    """
    @return What a precompile answered, if it is a point of G1.
    """
    assert success and len(answer) == 128, "PrecompileRefused"
    return abi_decode(answer, uint256[4])


@internal
@pure
def _verdict(success: bool, answer: Bytes[33]) -> bool:
    """
    @return Whether the pairing precompile answered that the product is 1.
    """
    assert success and len(answer) == 32, "PrecompileRefused"
    return abi_decode(answer, uint256) == 1


@internal
@pure
def _g1_is_infinity(point: uint256[4]) -> bool:
    return point[0] | point[1] | point[2] | point[3] == 0


@internal
@pure
def _g2_is_infinity(point: uint256[8]) -> bool:
    low: uint256 = point[0] | point[1] | point[2] | point[3]
    return low | point[4] | point[5] | point[6] | point[7] == 0
