"""iden3's file formats over BLS12-381: .r1cs, .wtns, .zkey, .ptau and the JSON of snarkjs."""
