// SPDX-License-Identifier: Apache-2.0
//
// C++ bench of tiny for Verilator: sends frames of integers, compares every integer that comes back.
//
// usage: bench [FOLDER]   with the files input.txt and expected.txt (default: the working directory)
//   One frame a line, integers in stream order. Replace them with your own.
// environment: STALL probability of a stall per cycle and stream end (0.3), SEED (1), FRAMES at most (all)
// exit code: 0 if every integer, every tlast, the handshake and the interval are right.

#include "Vtiny.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

const int IN_LANES = 3, IN_BYTES = 1;     // bytes per lane
const int OUT_LANES = 1, OUT_BYTES = 1;
const bool OUT_SIGNED = true;
const uint64_t OUT_WORDS = 3;   // per frame
const uint64_t INTERVAL = 8;    // cycles from one frame to the next with full streams
const uint64_t RESET_CYCLES = 8;
const uint64_t QUIET_CYCLES = 40 * INTERVAL + 100000;  // so long without a word: it is stuck
const uint64_t SURPLUS_CYCLES = 64;                    // watched for words too many

typedef std::vector<long long> Frame;
typedef std::vector<unsigned char> Word;  // lowest byte first

// Marsaglia, "Xorshift RNGs" (2003), shifts 13, 7, 17.
struct Random {
    uint64_t state;
    explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15ULL + 1) {
        for (int i = 0; i < 16; ++i) next();
    }
    uint32_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return static_cast<uint32_t>(state >> 32);
    }
    bool below(double probability) { return next() < probability * 4294967296.0; }
};

[[noreturn]] void fail(const std::string& reason) {
    std::printf("FAIL: %s\n", reason.c_str());
    std::exit(1);
}

std::vector<Frame> read_frames(const std::string& path) {
    std::ifstream file(path);
    if (!file) fail("cannot read " + path);
    std::vector<Frame> frames;
    for (std::string line; std::getline(file, line);) {
        std::istringstream values(line);
        Frame frame;
        for (long long value; values >> value;) frame.push_back(value);
        if (!frame.empty()) frames.push_back(frame);
    }
    return frames;
}

// A port of up to 64 bits is an integer in the model, a wider one an array of 32-bit chunks.
template <typename Port>
void put(Port& port, const Word& word) {
    uint64_t value = 0;
    for (std::size_t i = word.size(); i-- > 0;) value = value << 8 | word[i];
    port = static_cast<Port>(value);
}
template <std::size_t N>
void put(VlWide<N>& port, const Word& word) {
    for (std::size_t i = 0; i < N; ++i) port[i] = 0;
    for (std::size_t i = 0; i < word.size(); ++i) port[i / 4] |= static_cast<uint32_t>(word[i]) << i % 4 * 8;
}
template <typename Port>
void get(const Port& port, Word& word) {
    for (std::size_t i = 0; i < word.size(); ++i)
        word[i] = static_cast<unsigned char>(static_cast<uint64_t>(port) >> 8 * i);
}
template <std::size_t N>
void get(const VlWide<N>& port, Word& word) {
    for (std::size_t i = 0; i < word.size(); ++i) word[i] = static_cast<unsigned char>(port[i / 4] >> i % 4 * 8);
}

// The words of a frame: each lane in whole bytes, lane 0 lowest.
std::vector<Word> to_words(const Frame& frame) {
    if (frame.size() % IN_LANES) fail("a frame of input.txt has " + std::to_string(frame.size()) + " integers");
    std::vector<Word> words;
    for (std::size_t at = 0; at < frame.size(); at += IN_LANES) {
        Word word;
        for (int lane = 0; lane < IN_LANES; ++lane)
            for (int i = 0; i < IN_BYTES; ++i)
                word.push_back(static_cast<unsigned char>(static_cast<uint64_t>(frame[at + lane]) >> 8 * i));
        words.push_back(word);
    }
    return words;
}

long long lane_of(const Word& word, int lane) {
    uint64_t value = 0;
    for (int i = OUT_BYTES; i-- > 0;) value = value << 8 | word[lane * OUT_BYTES + i];
    const int unused = 64 - 8 * OUT_BYTES;
    return OUT_SIGNED ? static_cast<int64_t>(value << unused) >> unused : static_cast<int64_t>(value);
}

// Sends all frames and checks what comes back; returns the cycles between the ends of the last two frames.
uint64_t run(const std::vector<Frame>& frames, const std::vector<Frame>& expected, double stall, uint64_t seed) {
    Random random(seed);
    VerilatedContext context;
    context.randReset(2);  // registers without a reset start with random bits
    context.randSeed(static_cast<int>(random.next() >> 1));
    Vtiny model(&context);
    std::vector<Word> words;
    for (const Frame& frame : frames)
        for (const Word& word : to_words(frame)) words.push_back(word);

    model.rst = 1;
    model.s_axis_tvalid = 0;
    model.m_axis_tready = 0;
    for (uint64_t i = 0; i < RESET_CYCLES; ++i) {
        model.clk = 0;
        model.eval();
        model.clk = 1;
        model.eval();
    }
    model.rst = 0;

    const Word noise(static_cast<std::size_t>(IN_LANES) * IN_BYTES, 0xa5);  // without tvalid it must not matter
    Word got(static_cast<std::size_t>(OUT_LANES) * OUT_BYTES), held;
    const uint64_t wanted = expected.size() * OUT_WORDS;
    std::size_t sent = 0;
    uint64_t taken = 0, quiet = 0, end = 0, interval = 0;
    bool offered = false, stalled = false, held_last = false;
    for (uint64_t cycle = 0; taken < wanted || quiet < SURPLUS_CYCLES; ++cycle) {
        if (!offered && sent < words.size()) offered = !random.below(stall);
        model.s_axis_tvalid = offered;
        put(model.s_axis_tdata, offered ? words[sent] : noise);
        model.m_axis_tready = !random.below(stall);
        model.clk = 0;
        model.eval();
        ++quiet;
        if (offered && model.s_axis_tready) {
            ++sent;
            offered = false;
            quiet = 0;
        }
        if (stalled && !model.m_axis_tvalid) fail("m_axis_tvalid fell while m_axis_tready was low");
        if (model.m_axis_tvalid) {
            get(model.m_axis_tdata, got);
            const bool last = model.m_axis_tlast;
            if (stalled && (got != held || last != held_last)) fail("the payload changed while m_axis_tready was low");
            stalled = !model.m_axis_tready;
            held = got;
            held_last = last;
            if (!stalled) {
                if (taken == wanted) fail("there are more words than expected");
                const uint64_t frame = taken / OUT_WORDS, index = taken % OUT_WORDS;
                for (int lane = 0; lane < OUT_LANES; ++lane) {
                    const std::size_t at = index * OUT_LANES + lane;
                    const long long value = lane_of(got, lane);
                    if (value != expected[frame].at(at))
                        fail("integer " + std::to_string(at) + " of frame " + std::to_string(frame) + " is " +
                             std::to_string(value) + ", expected " + std::to_string(expected[frame][at]));
                }
                if (last != (index == OUT_WORDS - 1)) fail("tlast is not on the last word of frame " + std::to_string(frame));
                if (last) {
                    interval = cycle - end;
                    end = cycle;
                }
                ++taken;
                quiet = 0;
            }
        }
        model.clk = 1;
        model.eval();
        if (quiet > QUIET_CYCLES)
            fail("stuck after " + std::to_string(sent) + " words in and " + std::to_string(taken) + " words out");
    }
    model.final();
    return interval;
}

std::string setting(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != 0 ? value : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string folder = argc > 1 && argv[1][0] != '+' ? argv[1] : ".";
    std::vector<Frame> frames = read_frames(folder + "/input.txt"), expected = read_frames(folder + "/expected.txt");
    const std::size_t most = std::strtoull(setting("FRAMES", "1000000000").c_str(), nullptr, 10);
    if (frames.size() > most) frames.resize(most);
    if (expected.size() > frames.size()) expected.resize(frames.size());
    if (frames.empty() || frames.size() != expected.size()) fail("input.txt and expected.txt have not the same frames");
    for (const Frame& frame : expected)
        if (frame.size() != OUT_WORDS * OUT_LANES) fail("a frame of expected.txt has " + std::to_string(frame.size()) + " integers");
    const double stall = std::atof(setting("STALL", "0.3").c_str());
    const uint64_t seed = std::strtoull(setting("SEED", "1").c_str(), nullptr, 10);

    const uint64_t interval = run(frames, expected, 0.0, seed);
    if (frames.size() > 3 && interval != INTERVAL)
        fail("with full streams a frame takes " + std::to_string(interval) + " cycles, expected " + std::to_string(INTERVAL));
    run(frames, expected, stall, seed);
    std::printf("PASS: %zu frames without stalls and with stall %g, seed %llu; 0 mismatches\n", frames.size(), stall,
                static_cast<unsigned long long>(seed));
    return 0;
}
