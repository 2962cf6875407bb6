// SPDX-License-Identifier: Apache-2.0
//
// tr_record.hpp: TR_RECORD(wire) writes what stands in a stream to the file trace_WIRE.hex, a word a line, and leaves
// it there. It does so only where TAILRACE_TRACE is defined, as the number of frames to write: in verification, where
// the streams between the stages are compared too. For synthesis it is nothing.

#ifndef TR_RECORD_HPP
#define TR_RECORD_HPP

#ifdef TAILRACE_TRACE

#include <cstdio>
#include <map>
#include <string>

#include "tr_common.hpp"

template <int BITS>
void tr_record(const char *name, hls::stream<ap_uint<BITS> > &stream) {
    static std::map<std::string, long> frames;
    const long frame = frames[name]++;
    if (frame >= TAILRACE_TRACE) return;
    std::FILE *file = std::fopen((std::string("trace_") + name + ".hex").c_str(), frame ? "a" : "w");
    hls::stream<ap_uint<BITS> > kept;
    while (!stream.empty()) {
        const ap_uint<BITS> word = stream.read();
        std::string digits((BITS + 3) / 4, '0');
        for (int bit = 0; bit < BITS; bit++) {
            char &digit = digits[digits.size() - 1 - bit / 4];
            if (word[bit]) digit = "0123456789abcdef"[(digit > '9' ? digit - 'a' + 10 : digit - '0') | 1 << bit % 4];
        }
        std::fprintf(file, "%s\n", digits.c_str());
        kept.write(word);
    }
    while (!kept.empty()) stream.write(kept.read());
    std::fclose(file);
}

#define TR_RECORD(wire) tr_record(#wire, wire);

#else

#define TR_RECORD(wire)

#endif

#endif
