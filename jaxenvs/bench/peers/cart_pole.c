/* CartPole-v1 as fast as this machine's processor goes: the limit that a compiler is measured against.
 *
 * Same work as the loop of a learner: an action drawn for each environment and step, the dynamics, the
 * limit of 500 steps, a fresh uniform start where an episode ended, and observation, reward and end of
 * every step written to memory. One hash of (key, environment, step) gives all random numbers of a step:
 * four words for a start, whose lowest bit, which the start does not use, is the action.
 *
 * Each thread takes a block of environments through all steps, so that their states stay in its cache,
 * and steps a vector of them at a time.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCK = 512, MAX_STEPS = 500 };

/* The three-round variant of "pcg4d" (Jarzynski and Olano 2020) that jaxenvs.random uses. */
#define HASH_ROUND(a, b, c, d)                                                  \
    a += b * d, b += c * a, c += a * b, d += b * c;                             \
    a ^= a >> 16, b ^= b >> 16, c ^= c >> 16, d ^= d >> 16

#define HASH(a, b, c, d)                                                        \
    a = a * 1664525u + 1013904223u, b = b * 1664525u + 1013904223u;             \
    c = c * 1664525u + 1013904223u, d = d * 1664525u + 1013904223u;             \
    HASH_ROUND(a, b, c, d);                                                     \
    HASH_ROUND(a, b, c, d);                                                     \
    HASH_ROUND(a, b, c, d)

/* A word as a number in [-0.05, 0.05), of its upper 24 bits. */
static inline float start_from(uint32_t word) { return (float)(int32_t)(word >> 8) * (0.1f / 16777216.0f) - 0.05f; }

/* One Euler step of 0.02 s; returns whether the pole has fallen or the cart has left. */
static inline int move(float push, float *x, float *x_dot, float *theta, float *theta_dot)
{
    const float sine = sinf(*theta), cosine = cosf(*theta);
    const float thrust = (push + 0.05f * *theta_dot * *theta_dot * sine) / 1.1f;
    const float theta_acc = (9.8f * sine - cosine * thrust) / (0.5f * (4.0f / 3.0f - 0.1f * cosine * cosine / 1.1f));
    const float x_acc = thrust - 0.05f * theta_acc * cosine / 1.1f;
    *x += 0.02f * *x_dot;
    *x_dot += 0.02f * x_acc;
    *theta += 0.02f * *theta_dot;
    *theta_dot += 0.02f * theta_acc;
    return (fabsf(*x) > 2.4f) | (fabsf(*theta) > 0.20943951f);
}

typedef struct {
    int64_t lanes, steps;
    uint32_t key, step;
    float *x, *x_dot, *theta, *theta_dot; /* (lanes,) */
    int32_t *elapsed;                     /* (lanes,) */
    float *observation;                   /* (steps, lanes, 4) */
    float *reward;                        /* (steps, lanes) */
    uint8_t *done;                        /* (steps, lanes) */
} Batch;

static void *memory(int64_t bytes) { return aligned_alloc(64, (size_t)((bytes + 63) / 64 * 64)); }

Batch *create(int64_t lanes, int64_t steps, uint32_t key)
{
    Batch *batch = malloc(sizeof *batch);
    float **columns[] = {&batch->x, &batch->x_dot, &batch->theta, &batch->theta_dot};
    *batch = (Batch){.lanes = lanes, .steps = steps, .key = key};
    for (int k = 0; k < 4; k++) *columns[k] = memory(lanes * 4);
    batch->elapsed = memory(lanes * 4);
    batch->observation = memory(steps * lanes * 16);
    batch->reward = memory(steps * lanes * 4);
    batch->done = memory(steps * lanes);
    for (int64_t i = 0; i < lanes; i++) {
        uint32_t a = key, b = (uint32_t)i, c = 0, d = 1;
        HASH(a, b, c, d);
        batch->x[i] = start_from(a), batch->x_dot[i] = start_from(b);
        batch->theta[i] = start_from(c), batch->theta_dot[i] = start_from(d);
        batch->elapsed[i] = 0;
    }
    return batch;
}

/* Takes the environments from `first` to `last`, at most BLOCK of them, through all steps. */
static void advance_block(const Batch *batch, int64_t first, int64_t last)
{
    float *restrict x = batch->x, *restrict x_dot = batch->x_dot;
    float *restrict theta = batch->theta, *restrict theta_dot = batch->theta_dot;
    int32_t *restrict elapsed = batch->elapsed;
    const uint32_t key = batch->key;
    for (int64_t s = 0; s < batch->steps; s++) {
        float *restrict observation = batch->observation + 4 * s * batch->lanes;
        float *restrict reward = batch->reward + s * batch->lanes;
        uint8_t *restrict done = batch->done + s * batch->lanes;
        const uint32_t step = batch->step + (uint32_t)s;
#pragma omp simd
        for (int64_t i = first; i < last; i++) {
            uint32_t a = key, b = (uint32_t)i, c = step, d = 0;
            HASH(a, b, c, d);
            float next_x = x[i], next_x_dot = x_dot[i], next_theta = theta[i], next_theta_dot = theta_dot[i];
            const int fallen = move((a & 1u) ? 10.0f : -10.0f, &next_x, &next_x_dot, &next_theta, &next_theta_dot);
            const int32_t steps_now = elapsed[i] + 1;
            const int ended = fallen | (steps_now >= MAX_STEPS);
            x[i] = next_x = ended ? start_from(a) : next_x;
            x_dot[i] = next_x_dot = ended ? start_from(b) : next_x_dot;
            theta[i] = next_theta = ended ? start_from(c) : next_theta;
            theta_dot[i] = next_theta_dot = ended ? start_from(d) : next_theta_dot;
            elapsed[i] = ended ? 0 : steps_now;
            observation[4 * i] = next_x, observation[4 * i + 1] = next_x_dot;
            observation[4 * i + 2] = next_theta, observation[4 * i + 3] = next_theta_dot;
            reward[i] = 1.0f;
            done[i] = (uint8_t)ended;
        }
    }
}

void advance(Batch *batch)
{
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < batch->lanes; first += BLOCK)
        advance_block(batch, first, first + BLOCK < batch->lanes ? first + BLOCK : batch->lanes);
    batch->step += (uint32_t)batch->steps;
}

/* For tests: one step of `count` states (count, 4), in place, without time limit and resets. */
void step_states(int64_t count, float *states, const int32_t *actions, uint8_t *terminated)
{
    for (int64_t i = 0; i < count; i++) {
        float *state = states + 4 * i;
        terminated[i] = (uint8_t)move(actions[i] ? 10.0f : -10.0f, state, state + 1, state + 2, state + 3);
    }
}

/* For tests: what the last call of `advance` wrote. */
const float *observations(const Batch *batch) { return batch->observation; }
const uint8_t *dones(const Batch *batch) { return batch->done; }
