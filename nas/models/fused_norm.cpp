// Batch norm in training mode, with the ReLU that follows it: channels last, float32 or bfloat16.
//
// Two passes over memory each way, where separate operators take five and six. Rows of C channels are
// taken several at a time, so that vectors are full whatever C is. Sums are of values shifted by the
// first row's, in float32 over short runs and in double beyond.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), flatten))
#else
#define EACH_PROCESSOR
#endif

namespace {

typedef uint16_t bfloat16;
const long RUN = 128;         // tiles that are summed in float32
const long LEAST_TILE = 128;  // values

inline float load(float x) { return x; }
inline float load(bfloat16 x) {
    uint32_t bits = uint32_t(x) << 16;
    float found;
    std::memcpy(&found, &bits, sizeof found);
    return found;
}
inline void store(float x, float &to) { to = x; }
inline void store(float x, bfloat16 &to) {  // to nearest, ties to even
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    to = bfloat16((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Values in a tile: the least multiple of C that fills vectors of 16.
long tile_of(long channels) {
    long tile = std::lcm(channels, 16L);
    return tile >= LEAST_TILE ? tile : tile * ((LEAST_TILE + tile - 1) / tile);
}

std::vector<float> tiled(const float *values, long channels, long tile) {
    std::vector<float> found(tile);
    for (long j = 0; j < tile; j++) found[j] = values[j % channels];
    return found;
}

struct Pass {
    long begin, end, tile;                    // values
    const float *pivot, *scale, *shift;       // a tile each: (x - pivot) * scale + shift
    const float *slope, *level;               // backward only
};

// Sums of (x - pivot) and of its square.
template <typename T>
inline void moments(const Pass &p, const T *x, double *first, double *second) {
    std::vector<float> a(p.tile), b(p.tile);
    float *__restrict one = a.data(), *__restrict two = b.data();
    const float *__restrict pivot = p.pivot;
    for (long at = p.begin; at < p.end;) {
        std::fill(a.begin(), a.end(), 0.f);
        std::fill(b.begin(), b.end(), 0.f);
        for (long run = 0; run < RUN && at < p.end; run++, at += p.tile) {
            const long count = std::min(p.tile, p.end - at);
            const T *__restrict from = x + at;
            for (long j = 0; j < count; j++) {
                const float v = load(from[j]) - pivot[j];
                one[j] += v;
                two[j] += v * v;
            }
        }
        for (long j = 0; j < p.tile; j++) first[j] += one[j], second[j] += two[j];
    }
}

template <typename T, bool RELU>
inline void apply(const Pass &p, const T *x, T *y) {
    const float *__restrict scale = p.scale, *__restrict shift = p.shift;
    const float *__restrict pivot = p.pivot;
    for (long at = p.begin; at < p.end; at += p.tile) {
        const long count = std::min(p.tile, p.end - at);
        const T *__restrict from = x + at;
        T *__restrict to = y + at;
        for (long j = 0; j < count; j++) {
            const float v = (load(from[j]) - pivot[j]) * scale[j] + shift[j];
            store(RELU && v < 0.f ? 0.f : v, to[j]);  // a NaN stays one
        }
    }
}

template <bool RELU>
inline float gradient(float centered, float dy, float scale, float shift) {
    return RELU && centered * scale + shift <= 0.f ? 0.f : dy;
}

// Sums of the gradient g at the norm's output, and of g * (x - pivot).
template <typename T, bool RELU>
inline void gradient_sums(const Pass &p, const T *x, const T *dy, double *first, double *second) {
    std::vector<float> a(p.tile), b(p.tile);
    float *__restrict one = a.data(), *__restrict two = b.data();
    const float *__restrict scale = p.scale, *__restrict shift = p.shift;
    const float *__restrict pivot = p.pivot;
    for (long at = p.begin; at < p.end;) {
        std::fill(a.begin(), a.end(), 0.f);
        std::fill(b.begin(), b.end(), 0.f);
        for (long run = 0; run < RUN && at < p.end; run++, at += p.tile) {
            const long count = std::min(p.tile, p.end - at);
            const T *__restrict from = x + at, *__restrict grad = dy + at;
            for (long j = 0; j < count; j++) {
                const float v = load(from[j]) - pivot[j];
                const float g = gradient<RELU>(v, load(grad[j]), scale[j], shift[j]);
                one[j] += g;
                two[j] += g * v;
            }
        }
        for (long j = 0; j < p.tile; j++) first[j] += one[j], second[j] += two[j];
    }
}

// dx = scale * g + slope * (x - pivot) + level.
template <typename T, bool RELU>
inline void gradient_apply(const Pass &p, const T *x, const T *dy, T *dx) {
    const float *__restrict scale = p.scale, *__restrict shift = p.shift;
    const float *__restrict slope = p.slope, *__restrict level = p.level;
    const float *__restrict pivot = p.pivot;
    for (long at = p.begin; at < p.end; at += p.tile) {
        const long count = std::min(p.tile, p.end - at);
        const T *__restrict from = x + at, *__restrict grad = dy + at;
        T *__restrict to = dx + at;
        for (long j = 0; j < count; j++) {
            const float v = load(from[j]) - pivot[j];
            const float g = gradient<RELU>(v, load(grad[j]), scale[j], shift[j]);
            store(scale[j] * g + (slope[j] * v + level[j]), to[j]);
        }
    }
}

#define KERNELS(T, name)                                                                        \
    EACH_PROCESSOR void moments_##name(const Pass &p, const T *x, double *a, double *b) {       \
        moments<T>(p, x, a, b);                                                                 \
    }                                                                                           \
    EACH_PROCESSOR void apply_##name(const Pass &p, const T *x, T *y, bool relu) {              \
        relu ? apply<T, true>(p, x, y) : apply<T, false>(p, x, y);                              \
    }                                                                                           \
    EACH_PROCESSOR void sums_##name(const Pass &p, const T *x, const T *dy, double *a,          \
                                    double *b, bool relu) {                                     \
        relu ? gradient_sums<T, true>(p, x, dy, a, b) : gradient_sums<T, false>(p, x, dy, a, b); \
    }                                                                                           \
    EACH_PROCESSOR void dx_##name(const Pass &p, const T *x, const T *dy, T *dx, bool relu) {   \
        relu ? gradient_apply<T, true>(p, x, dy, dx) : gradient_apply<T, false>(p, x, dy, dx);  \
    }
KERNELS(float, float32)
KERNELS(bfloat16, bfloat16)

// The part of each thread, in whole tiles; run with as many threads as were asked for.
template <typename F>
void spread(const Pass &whole, long threads, F &&part) {
    const long tiles = (whole.end + whole.tile - 1) / whole.tile;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static, 1)
    for (long t = 0; t < threads; t++) {
        Pass own = whole;
        own.begin = tiles * t / threads * whole.tile;
        own.end = std::min(whole.end, tiles * (t + 1) / threads * whole.tile);
        part(own, t);
    }
}

// Sums over the threads' tiles by channel, in a fixed order.
void fold(const std::vector<double> &parts, long tile, long channels, double *to) {
    std::fill(to, to + channels, 0.0);
    for (size_t j = 0; j < parts.size(); j++) to[long(j) % tile % channels] += parts[j];
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

// x, y: (rows, channels), float32 or bfloat16. mean, inverse: (channels,), what backward needs;
// running_*: (channels,), updated. rows is at least 2.
EXPORT void batch_norm_forward(const void *x, void *y, long rows, long channels, long is_bfloat16,
                               long relu, long threads, const float *weight, const float *bias,
                               float *running_mean, float *running_var, double momentum, double eps,
                               float *mean, float *inverse) {
    const long tile = tile_of(channels);
    std::vector<float> pivot(channels), scale(channels);
    for (long c = 0; c < channels; c++)
        pivot[c] = is_bfloat16 ? load(static_cast<const bfloat16 *>(x)[c])
                               : load(static_cast<const float *>(x)[c]);
    const std::vector<float> pivots = tiled(pivot.data(), channels, tile);
    Pass whole = {0, rows * channels, tile, pivots.data(), nullptr, nullptr, nullptr, nullptr};
    std::vector<double> a(threads * tile), b(threads * tile), first(channels), second(channels);
    spread(whole, threads, [&](const Pass &p, long t) {
        if (is_bfloat16)
            moments_bfloat16(p, static_cast<const bfloat16 *>(x), &a[t * tile], &b[t * tile]);
        else
            moments_float32(p, static_cast<const float *>(x), &a[t * tile], &b[t * tile]);
    });
    fold(a, tile, channels, first.data());
    fold(b, tile, channels, second.data());
    for (long c = 0; c < channels; c++) {
        const double offset = first[c] / rows, from_pivot = second[c] / rows - offset * offset;
        const double var = from_pivot < 0 ? 0 : from_pivot;  // a NaN stays one
        const double center = pivot[c] + offset;
        mean[c] = float(center);
        inverse[c] = float(1 / std::sqrt(var + eps));
        scale[c] = weight[c] * inverse[c];
        running_mean[c] += float(momentum * (center - running_mean[c]));
        running_var[c] += float(momentum * (var * rows / (rows - 1) - running_var[c]));
    }
    const std::vector<float> means = tiled(mean, channels, tile);
    const std::vector<float> scales = tiled(scale.data(), channels, tile);
    const std::vector<float> shifts = tiled(bias, channels, tile);
    whole.pivot = means.data();
    whole.scale = scales.data();
    whole.shift = shifts.data();
    spread(whole, threads, [&](const Pass &p, long) {
        if (is_bfloat16)
            apply_bfloat16(p, static_cast<const bfloat16 *>(x), static_cast<bfloat16 *>(y), relu);
        else
            apply_float32(p, static_cast<const float *>(x), static_cast<float *>(y), relu);
    });
}

// dy, dx: as x. weight_grad, bias_grad: (channels,).
EXPORT void batch_norm_backward(const void *x, const void *dy, void *dx, long rows, long channels,
                                long is_bfloat16, long relu, long threads, const float *weight,
                                const float *bias, const float *mean, const float *inverse,
                                float *weight_grad, float *bias_grad) {
    const long tile = tile_of(channels);
    std::vector<float> scale(channels), slope(channels), level(channels);
    for (long c = 0; c < channels; c++) scale[c] = weight[c] * inverse[c];
    const std::vector<float> means = tiled(mean, channels, tile);
    const std::vector<float> scales = tiled(scale.data(), channels, tile);
    const std::vector<float> shifts = tiled(bias, channels, tile);
    Pass whole = {0,       rows * channels, tile, means.data(), scales.data(), shifts.data(),
                  nullptr, nullptr};
    std::vector<double> a(threads * tile), b(threads * tile), first(channels), second(channels);
    spread(whole, threads, [&](const Pass &p, long t) {
        if (is_bfloat16)
            sums_bfloat16(p, static_cast<const bfloat16 *>(x), static_cast<const bfloat16 *>(dy),
                          &a[t * tile], &b[t * tile], relu);
        else
            sums_float32(p, static_cast<const float *>(x), static_cast<const float *>(dy),
                         &a[t * tile], &b[t * tile], relu);
    });
    fold(a, tile, channels, first.data());
    fold(b, tile, channels, second.data());
    for (long c = 0; c < channels; c++) {
        weight_grad[c] = float(second[c] * inverse[c]);
        bias_grad[c] = float(first[c]);
        slope[c] = float(-scale[c] * double(inverse[c]) * inverse[c] * second[c] / rows);
        level[c] = float(-scale[c] * first[c] / rows);
    }
    const std::vector<float> slopes = tiled(slope.data(), channels, tile);
    const std::vector<float> levels = tiled(level.data(), channels, tile);
    whole.slope = slopes.data();
    whole.level = levels.data();
    spread(whole, threads, [&](const Pass &p, long) {
        if (is_bfloat16)
            dx_bfloat16(p, static_cast<const bfloat16 *>(x), static_cast<const bfloat16 *>(dy),
                        static_cast<bfloat16 *>(dx), relu);
        else
            dx_float32(p, static_cast<const float *>(x), static_cast<const float *>(dy),
                       static_cast<float *>(dx), relu);
    });
}
