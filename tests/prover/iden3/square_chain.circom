pragma circom 2.1.0;

// Bits of a secret, and a chain of products: every kind of row that circom makes.
template Bits(n) {
    signal input in;
    signal output out[n];
    var sum = 0;
    for (var i = 0; i < n; i++) {
        out[i] <-- (in >> i) & 1;
        out[i] * (out[i] - 1) === 0;
        sum += out[i] * (1 << i);
    }
    sum === in;
}

template SquareChain(n, bits) {
    signal input secret;
    signal input salt;
    signal output result;
    signal chain[n + 1];
    component small = Bits(bits);
    small.in <== secret;
    chain[0] <== secret + salt;
    for (var i = 0; i < n; i++) {
        chain[i + 1] <== chain[i] * chain[i] + 7 * salt + i;
    }
    result <== chain[n] * small.out[0];
}

component main {public [salt]} = SquareChain(24, 20);
