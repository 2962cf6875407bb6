// SPDX-License-Identifier: Apache-2.0
//
// C++ bench of tiny for Verilator: sends frames of integers, compares every integer that comes back.
//
// usage: bench [FOLDER]   with the files input.txt and expected.txt (default: the working directory)
//   One frame a line, integers in stream order, those of one port behind those of another. Replace them with your own.
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

// A port: where its integers begin in a frame, its words a frame, lanes, bytes per lane, and whether they are signed.
struct Port {
    const char* name;
    std::size_t first, words, lanes, bytes;
    bool is_signed;
    std::size_t size() const { return words * lanes; }
};
const Port INPUTS[] = {
    {"s_axis", 0, 2, 3, 1, true},
};
const Port OUTPUTS[] = {
    {"m_axis", 0, 3, 1, 1, true},
};
const std::size_t IN_PORTS = 1, OUT_PORTS = 1;
const std::size_t IN_SIZE = 6, OUT_SIZE = 3;  // integers a frame
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
template <typename Pins>
void put(Pins& port, const Word& word) {
    uint64_t value = 0;
    for (std::size_t i = word.size(); i-- > 0;) value = value << 8 | word[i];
    port = static_cast<Pins>(value);
}
template <std::size_t N>
void put(VlWide<N>& port, const Word& word) {
    for (std::size_t i = 0; i < N; ++i) port[i] = 0;
    for (std::size_t i = 0; i < word.size(); ++i) port[i / 4] |= static_cast<uint32_t>(word[i]) << i % 4 * 8;
}
template <typename Pins>
void get(const Pins& port, Word& word) {
    for (std::size_t i = 0; i < word.size(); ++i)
        word[i] = static_cast<unsigned char>(static_cast<uint64_t>(port) >> 8 * i);
}
template <std::size_t N>
void get(const VlWide<N>& port, Word& word) {
    for (std::size_t i = 0; i < word.size(); ++i) word[i] = static_cast<unsigned char>(port[i / 4] >> i % 4 * 8);
}

// The words of a frame at one port: each lane in whole bytes, lane 0 lowest.
void add_words(const Frame& frame, const Port& port, std::vector<Word>& words) {
    for (std::size_t at = port.first; at < port.first + port.size(); at += port.lanes) {
        Word word;
        for (std::size_t lane = 0; lane < port.lanes; ++lane)
            for (std::size_t i = 0; i < port.bytes; ++i)
                word.push_back(static_cast<unsigned char>(static_cast<uint64_t>(frame[at + lane]) >> 8 * i));
        words.push_back(word);
    }
}

long long lane_of(const Word& word, const Port& port, std::size_t lane) {
    uint64_t value = 0;
    for (std::size_t i = port.bytes; i-- > 0;) value = value << 8 | word[lane * port.bytes + i];
    const std::size_t unused = 64 - 8 * port.bytes;
    return port.is_signed ? static_cast<int64_t>(value << unused) >> unused : static_cast<int64_t>(value);
}

// What is sent at an input, and how far that is.
struct Source {
    std::vector<Word> words;
    std::size_t sent;
    bool offered;
};

// What came at an output: words taken, the cycle in which the last frame ended, and what was on offer and not taken.
struct Sink {
    Word got, held;
    uint64_t taken, end, interval;
    bool stalled, held_last;
};

// One word that is on offer at an output: it stays until it is taken, and is what is expected.
void check_word(const Port& port, Sink& sink, bool last, bool ready, const std::vector<Frame>& expected, uint64_t cycle) {
    const std::string name = port.name;
    if (sink.stalled && (sink.got != sink.held || last != sink.held_last))
        fail("the payload changed while " + name + "_tready was low");
    sink.stalled = !ready;
    sink.held = sink.got;
    sink.held_last = last;
    if (!ready) return;
    if (sink.taken == expected.size() * port.words) fail("there are more words than expected at " + name);
    const uint64_t frame = sink.taken / port.words, index = sink.taken % port.words;
    for (std::size_t lane = 0; lane < port.lanes; ++lane) {
        const std::size_t at = port.first + index * port.lanes + lane;
        const long long value = lane_of(sink.got, port, lane);
        if (value != expected[frame][at])
            fail("integer " + std::to_string(at) + " of frame " + std::to_string(frame) + " is " + std::to_string(value) +
                 ", expected " + std::to_string(expected[frame][at]));
    }
    if (last != (index == port.words - 1)) fail(name + "_tlast is not on the last word of frame " + std::to_string(frame));
    if (last) {
        sink.interval = cycle - sink.end;
        sink.end = cycle;
    }
    ++sink.taken;
}

// Sends all frames and checks what comes back; returns the most cycles between the ends of the last two frames.
uint64_t run(const std::vector<Frame>& frames, const std::vector<Frame>& expected, double stall, uint64_t seed) {
    Random random(seed);
    VerilatedContext context;
    context.randReset(2);  // registers without a reset start with random bits
    context.randSeed(static_cast<int>(random.next() >> 1));
    Vtiny model(&context);
    Source sources[IN_PORTS] = {};
    Sink sinks[OUT_PORTS] = {};
    for (std::size_t i = 0; i < IN_PORTS; ++i)
        for (const Frame& frame : frames) add_words(frame, INPUTS[i], sources[i].words);
    for (std::size_t i = 0; i < OUT_PORTS; ++i) sinks[i].got.resize(OUTPUTS[i].lanes * OUTPUTS[i].bytes);

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

    uint64_t quiet = 0;
    bool done = false;
    for (uint64_t cycle = 0; !done || quiet < SURPLUS_CYCLES; ++cycle) {
        for (std::size_t i = 0; i < IN_PORTS; ++i)
            if (!sources[i].offered && sources[i].sent < sources[i].words.size()) sources[i].offered = !random.below(stall);
        {
            const Source& source = sources[0];
            const Word noise(INPUTS[0].lanes * INPUTS[0].bytes, 0xa5);  // without tvalid it must not matter
            model.s_axis_tvalid = source.offered;
            put(model.s_axis_tdata, source.offered ? source.words[source.sent] : noise);
        }
        model.m_axis_tready = !random.below(stall);
        model.clk = 0;
        model.eval();
        ++quiet;
        if (sources[0].offered && model.s_axis_tready) {
            ++sources[0].sent;
            sources[0].offered = false;
            quiet = 0;
        }
        if (sinks[0].stalled && !model.m_axis_tvalid) fail("m_axis_tvalid fell while m_axis_tready was low");
        if (model.m_axis_tvalid) {
            get(model.m_axis_tdata, sinks[0].got);
            check_word(OUTPUTS[0], sinks[0], model.m_axis_tlast, model.m_axis_tready, expected, cycle);
            if (model.m_axis_tready) quiet = 0;
        }
        model.clk = 1;
        model.eval();
        done = true;
        for (std::size_t i = 0; i < OUT_PORTS; ++i) done = done && sinks[i].taken == expected.size() * OUTPUTS[i].words;
        if (quiet > QUIET_CYCLES) {
            std::string where;
            for (std::size_t i = 0; i < IN_PORTS; ++i) where += " " + std::to_string(sources[i].sent) + " words into " + INPUTS[i].name;
            for (std::size_t i = 0; i < OUT_PORTS; ++i) where += " " + std::to_string(sinks[i].taken) + " words out of " + OUTPUTS[i].name;
            fail("stuck after" + where);
        }
    }
    model.final();
    uint64_t interval = 0;
    for (const Sink& sink : sinks) interval = sink.interval > interval ? sink.interval : interval;
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
    for (const Frame& frame : frames)
        if (frame.size() != IN_SIZE) fail("a frame of input.txt has " + std::to_string(frame.size()) + " integers");
    for (const Frame& frame : expected)
        if (frame.size() != OUT_SIZE) fail("a frame of expected.txt has " + std::to_string(frame.size()) + " integers");
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
