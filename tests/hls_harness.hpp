// SPDX-License-Identifier: Apache-2.0
//
// The fixed half of the HLS harness: frames of int64 lanes from and to binary files, words on hls::stream.
#ifndef TR_HLS_HARNESS_HPP
#define TR_HLS_HARNESS_HPP

#include "tr_common.hpp"  // before ap_int.h: it raises the limit on wide words

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace harness {

inline void fail(const char *name, const char *what) {
    std::fprintf(stderr, "%s: %s\n", name, what);
    std::exit(1);
}

struct File {
    std::FILE *handle;
    File(const char *name, const char *mode) : handle(std::fopen(name, mode)) {
        if (!handle) fail(name, "cannot open");
    }
    ~File() { std::fclose(handle); }
};

// The payload of a stream element: a plain word, or the data of one with side channels (tlast).
template <int W>
ap_uint<W> payload(const ap_uint<W> &word) {
    return word;
}
template <typename T>
auto payload(const T &beat) -> decltype(beat.data) {
    return beat.data;
}

// Put `words` words of LANES lanes, BITS bits each, into the stream.
template <int LANES, int BITS, typename T>
void send(const char *name, File &file, long words, hls::stream<T> &stream) {
    for (long word = 0; word < words; word++) {
        T packed = 0;
        for (int lane = 0; lane < LANES; lane++) {
            std::int64_t value;
            if (std::fread(&value, sizeof value, 1, file.handle) != 1) fail(name, "input ends early");
            packed.range((lane + 1) * BITS - 1, lane * BITS) = ap_uint<BITS>(ap_int<64>(value));
        }
        stream.write(packed);
    }
}

// Take exactly `words` words; lanes are written as the unsigned value of their bits.
template <int LANES, int BITS, typename T>
void receive(const char *name, File &file, long words, hls::stream<T> &stream) {
    for (long word = 0; word < words; word++) {
        if (stream.empty()) fail(name, "sent too few words in a frame");
        const ap_uint<LANES * BITS> packed = payload(stream.read());
        for (int lane = 0; lane < LANES; lane++) {
            const ap_uint<BITS> bits = packed.range((lane + 1) * BITS - 1, lane * BITS);
            const std::uint64_t value = bits.to_uint64();
            std::fwrite(&value, sizeof value, 1, file.handle);
        }
    }
    if (!stream.empty()) fail(name, "sent too many words in a frame");
}

}  // namespace harness

#endif
