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

/* The three-round variant of "pcg4d" (Jarzynski and Olano 2020). */
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

/* The sine, to 1e-7 for angles of moderate size: written out, since compilers make vectors of neither `sincosf`
 * nor, everywhere, of `sinf`. The angle is reduced to [-pi/2, pi/2] by multiples of pi, each of which turns the
 * sign; the polynomial is Taylor's, its last coefficient adjusted for the truncation. */
static inline float sine_of(float angle)
{
    const float turns = rintf(angle * 0.318309886f);
    const float x = (angle - turns * 3.14159274f) + turns * 8.74227766e-8f;
    const float y = x * x;
    const float odd = (float)((int32_t)turns & 1);
    const float sine = x + x * y * (-1.66666667e-1f + y * (8.33333310e-3f + y * (-1.98408990e-4f + y * 2.7525562e-6f
                                                                                   - y * y * 2.3889859e-8f)));
    return sine - 2.0f * odd * sine;
}

static inline float cosine_of(float angle) { return sine_of(angle + 1.57079633f); }

/* Accelerations of cart and pole. Plain numbers in and out: the compiler vectorises no loop with pointers to locals. */
static inline float thrust_on(float push, float theta_dot, float sine)
{
    return (push + 0.05f * theta_dot * theta_dot * sine) / 1.1f;
}

static inline float pole_acceleration(float thrust, float sine, float cosine)
{
    return (9.8f * sine - cosine * thrust) / (0.5f * (4.0f / 3.0f - 0.1f * cosine * cosine / 1.1f));
}

static inline float cart_acceleration(float thrust, float theta_acc, float cosine)
{
    return thrust - 0.05f * theta_acc * cosine / 1.1f;
}

static inline int out_of_bounds(float x, float theta) { return (fabsf(x) > 2.4f) | (fabsf(theta) > 0.20943951f); }

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
            const float sine = sine_of(theta[i]), cosine = cosine_of(theta[i]);
            const float thrust = thrust_on((a & 1u) ? 10.0f : -10.0f, theta_dot[i], sine);
            const float theta_acc = pole_acceleration(thrust, sine, cosine);
            const float x_acc = cart_acceleration(thrust, theta_acc, cosine);
            float next_x = x[i] + 0.02f * x_dot[i], next_x_dot = x_dot[i] + 0.02f * x_acc;
            float next_theta = theta[i] + 0.02f * theta_dot[i], next_theta_dot = theta_dot[i] + 0.02f * theta_acc;
            const int32_t steps_now = elapsed[i] + 1;
            const int ended = out_of_bounds(next_x, next_theta) | (steps_now >= MAX_STEPS);
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
        const float sine = sine_of(state[2]), cosine = cosine_of(state[2]);
        const float thrust = thrust_on(actions[i] ? 10.0f : -10.0f, state[3], sine);
        const float theta_acc = pole_acceleration(thrust, sine, cosine);
        const float x_acc = cart_acceleration(thrust, theta_acc, cosine);
        state[0] += 0.02f * state[1], state[1] += 0.02f * x_acc;
        state[2] += 0.02f * state[3], state[3] += 0.02f * theta_acc;
        terminated[i] = (uint8_t)out_of_bounds(state[0], state[2]);
    }
}

/* For tests: what the last call of `advance` wrote. */
const float *observations(const Batch *batch) { return batch->observation; }
const uint8_t *dones(const Batch *batch) { return batch->done; }
