// CartPole-v1 with automatic resets and random actions, vectorised by hand: what a fused kernel is compared with.
// 16 lanes to a vector, blocks of 512 lanes that stay in the first cache for all steps, threads over blocks.
#include <math.h>
#include <stdint.h>

typedef float V __attribute__((vector_size(64)));
typedef int32_t I __attribute__((vector_size(64)));
typedef uint32_t U __attribute__((vector_size(64)));
typedef V Vu __attribute__((aligned(4), may_alias));
typedef I Iu __attribute__((aligned(4), may_alias));
typedef uint8_t B __attribute__((vector_size(16)));
typedef B Bu __attribute__((aligned(1), may_alias));

enum { WIDTH = 16, BLOCK = 512 };

static inline U mixed(U w) {
    w = (w ^ (w >> 16)) * 0x7FEB352Du;
    w = (w ^ (w >> 15)) * 0x846CA68Bu;
    return w ^ (w >> 16);
}

static inline V uniform(U word) { return __builtin_convertvector((I)(word >> 9), V) * (0.1f / 8388608.0f) - 0.05f; }

static inline V choose(I where, V yes, V no) { return (V)(((I)yes & where) | ((I)no & ~where)); }

static inline V size_of(V x) { return (V)((I)x & 0x7FFFFFFF); }

static inline V nearest(V x) {
    const V big = (V){} + 12582912.0f;
    return (x + big) - big;
}

// The rows of four numbers that 16 lanes write, side by side.
static inline void store_rows(float* to, V a, V b, V c, V d) {
    const I low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23}, high = low + 8;
    const I first = {0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23}, second = first + 8;
    const V ab = __builtin_shuffle(a, b, low), cd = __builtin_shuffle(c, d, low);
    const V ab2 = __builtin_shuffle(a, b, high), cd2 = __builtin_shuffle(c, d, high);
    *(Vu*)to = __builtin_shuffle(ab, cd, first);
    *(Vu*)(to + 16) = __builtin_shuffle(ab, cd, second);
    *(Vu*)(to + 32) = __builtin_shuffle(ab2, cd2, first);
    *(Vu*)(to + 48) = __builtin_shuffle(ab2, cd2, second);
}

// state (lanes, 4), steps_taken (lanes), keys (lanes, 2); outputs have axes (steps, lanes). Lanes are a multiple of 512.
void run(float* state, int32_t* steps_taken, const uint32_t* keys, float* observation, float* reward,
         uint8_t* terminated, uint8_t* truncated, int32_t* action, int64_t lanes, int64_t steps) {
#pragma omp parallel for schedule(static)
    for (int64_t begin = 0; begin < lanes; begin += BLOCK) {
        V x[BLOCK / WIDTH], xs[BLOCK / WIDTH], angle[BLOCK / WIDTH], turn[BLOCK / WIDTH];
        I count[BLOCK / WIDTH];
        U high[BLOCK / WIDTH], low[BLOCK / WIDTH];
        for (int i = 0; i < BLOCK; i++) {
            ((float*)x)[i] = state[(begin + i) * 4];
            ((float*)xs)[i] = state[(begin + i) * 4 + 1];
            ((float*)angle)[i] = state[(begin + i) * 4 + 2];
            ((float*)turn)[i] = state[(begin + i) * 4 + 3];
            ((int32_t*)count)[i] = steps_taken[begin + i];
            ((uint32_t*)high)[i] = keys[(begin + i) * 2];
            ((uint32_t*)low)[i] = keys[(begin + i) * 2 + 1];
        }
        for (int64_t t = 0; t < steps; t++) {
            const uint32_t number = (uint32_t)t + 1;
            for (int g = 0; g < BLOCK / WIDTH; g++) {
                const int64_t at = t * lanes + begin + g * WIDTH;
                const U word = mixed(mixed(high[g] + number * 0x9E3779B9u) + (low[g] ^ (number * 0x61C88647u)));
                const I right = -(I)(word >> 31);
                const V force = choose(right, (V){} + 10.0f, (V){} - 10.0f);
                const V k = nearest(angle[g] * 0.318309886f);
                const V rest = angle[g] - k * 3.14159274f + k * 8.74227766e-8f, square = rest * rest;
                V sine = rest * (1 + square * (-0.166666567f + square * (0.00833216123f + square * -0.000195152956f)));
                V cosine = 1 + square * (-0.49999997f + square * (0.041666623f + square * (-0.00138867637f + square * 2.44331571e-5f)));
                const I odd = -(__builtin_convertvector(k, I) & 1);
                sine = choose(odd, -sine, sine);
                cosine = choose(odd, -cosine, cosine);
                const V pushed = (force + 0.05f * turn[g] * turn[g] * sine) / 1.1f;
                const V turning = (9.8f * sine - cosine * pushed) / (0.5f * (4.0f / 3.0f - 0.1f * cosine * cosine / 1.1f));
                const V speeding = pushed - 0.05f * turning * cosine / 1.1f;
                V new_x = x[g] + 0.02f * xs[g], new_xs = xs[g] + 0.02f * speeding;
                V new_angle = angle[g] + 0.02f * turn[g], new_turn = turn[g] + 0.02f * turning;
                I new_count = count[g] + 1;
                const I ended = (size_of(new_x) > 2.4f) | (size_of(new_angle) > 0.20943951f);
                const I stopped = new_count >= 500, done = ended | stopped;
                int any = 0;
                for (int i = 0; i < WIDTH; i++) any |= done[i];
                if (__builtin_expect(any, 0)) {
                    new_x = choose(done, uniform(mixed(word + 1)), new_x);
                    new_xs = choose(done, uniform(mixed(word + 2)), new_xs);
                    new_angle = choose(done, uniform(mixed(word + 3)), new_angle);
                    new_turn = choose(done, uniform(mixed(word + 4)), new_turn);
                    new_count = new_count & ~done;
                }
                store_rows(observation + at * 4, new_x, new_xs, new_angle, new_turn);
                *(Vu*)(reward + at) = (V){} + 1.0f;
                *(Iu*)(action + at) = right & 1;
                *(Bu*)(terminated + at) = __builtin_convertvector(ended & 1, B);
                *(Bu*)(truncated + at) = __builtin_convertvector(stopped & 1, B);
                x[g] = new_x, xs[g] = new_xs, angle[g] = new_angle, turn[g] = new_turn, count[g] = new_count;
            }
        }
        for (int i = 0; i < BLOCK; i++) {
            state[(begin + i) * 4] = ((float*)x)[i];
            state[(begin + i) * 4 + 1] = ((float*)xs)[i];
            state[(begin + i) * 4 + 2] = ((float*)angle)[i];
            state[(begin + i) * 4 + 3] = ((float*)turn)[i];
            steps_taken[begin + i] = ((int32_t*)count)[i];
        }
    }
}
