// The Python face of the engine. Arrays come checked and contiguous from engine.py; here only their sizes
// are checked again, because a mistake would be a crash.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "engine.h"

namespace nb = nanobind;

namespace setpiece::cpu {

namespace {

template <class T, size_t... Shape>
using Array = nb::ndarray<const T, nb::shape<Shape...>, nb::c_contig, nb::device::cpu>;
template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<nb::numpy, T, nb::c_contig>;

void require(bool condition, const char* what) {
    if (!condition) throw nb::value_error(what);
}

template <class T>
Output<T> new_array(std::initializer_list<size_t> shape) {
    size_t size = 1;
    for (const size_t side : shape) size *= side;
    T* data = new T[size ? size : 1]();
    const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    return Output<T>(data, shape, owner);
}

CameraInput camera_of(int width, int height, const Array<double, 4>& intrinsics,
                      const Array<double, 4, 4>& pose) {
    require(width > 0 && height > 0 && width <= 32768 && height <= 32768,
            "image sides must be 1 to 32768 pixels");
    CameraInput camera{};
    camera.width = width;
    camera.height = height;
    camera.focal_x = intrinsics(0);
    camera.focal_y = intrinsics(1);
    camera.centre_x = intrinsics(2);
    camera.centre_y = intrinsics(3);
    std::copy(pose.data(), pose.data() + 16, camera.cam_from_world);
    return camera;
}

class Module {
public:
    Module(int threads, const std::optional<std::string>& isa) : engine_(threads_of(threads), isa_of(isa)) {}

    void load(const Matrix<float>& values, const std::optional<Vector<uint32_t>>& order) {
        const auto columns = static_cast<int>(values.shape(1));
        const int terms = (columns - kSh) / 3;
        require(columns == kSh + 3 * terms && (terms == 1 || terms == 4 || terms == 9 || terms == 16),
                "a Gaussian has 14, 23, 38 or 59 values");
        if (order) check_order(*order, values.shape(0));
        engine_.population.load(engine_.crew(), static_cast<int64_t>(values.shape(0)), columns, values.data(),
                                order ? order->data() : nullptr);
        engine_.steps = 0;
    }

    void load_moments(const Matrix<float>& first, const Matrix<float>& second, const Matrix<float>& sums,
                      const Vector<int32_t>& seen, int64_t steps) {
        for (const auto& moments : {first, second}) {
            require(moments.shape(0) == count() && moments.shape(1) == columns(),
                    "moments must fit the values");
        }
        require(sums.shape(0) == 4 && sums.shape(1) == count() && seen.shape(0) == count(),
                "sums must fit the values");
        engine_.population.load_moments(engine_.crew(), first.data(), second.data());
        engine_.population.load_sums(sums.data(), seen.data());
        engine_.steps = steps;
    }

    // Columns [column, column + columns) of "values", "first" or "second", [N, columns].
    Output<float> get(const std::string& what, int column, int columns) {
        Population& population = engine_.population;
        require(column >= 0 && columns >= 0 && column + columns <= population.columns(), "no such columns");
        const Scene scene = population.scene();
        const float* from = what == "values" ? scene.values : what == "first" ? scene.first : scene.second;
        Output<float> out = new_array<float>({count(), static_cast<size_t>(columns)});
        population.get(engine_.crew(), from, column, columns, out.data());
        return out;
    }

    Output<float> sums() {  // [4, N]
        Output<float> out = new_array<float>({4, count()});
        const Sums s = engine_.population.sums();
        const float* all[4] = {s.gradient, s.error, s.weight, s.max_radius};
        for (size_t k = 0; k < 4; k++) engine_.population.get_sum(all[k], out.data() + k * count());
        return out;
    }

    Output<int32_t> seen() {
        Output<int32_t> out = new_array<int32_t>({count()});
        engine_.population.get_seen(out.data());
        return out;
    }

    Output<uint32_t> order() {
        Output<uint32_t> out = new_array<uint32_t>({count()});
        std::copy(engine_.population.order(), engine_.population.order() + count(), out.data());
        return out;
    }

    // (total, l1, ssim, exposure gradient [3, 4], gradients [N, columns] or None)
    nb::tuple step(
        int width, int height, const Array<double, 4>& intrinsics, const Array<double, 4, 4>& pose,
        const nb::ndarray<const uint8_t, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>& image,
        const std::optional<Matrix<uint8_t>>& mask, const Array<float, 3, 4>& exposure,
        const Array<float, 3>& background, int sh_degree, bool antialias, const Array<float, 6>& rates,
        const Array<float, 3>& weights, int64_t key, bool only_gradients) {
        BatchInput batch{};
        batch.camera = camera_of(width, height, intrinsics, pose);
        const auto w = static_cast<size_t>(width), h = static_cast<size_t>(height);
        require(image.shape(0) == h && image.shape(1) == w, "the photo must have the camera's size");
        require(!mask || (mask->shape(0) == h && mask->shape(1) == w),
                "the mask must have the camera's size");
        batch.image = image.data();
        batch.mask = mask ? mask->data() : nullptr;
        std::copy(exposure.data(), exposure.data() + 12, batch.exposure);
        std::copy(background.data(), background.data() + 3, batch.background);
        batch.sh_degree = degree(sh_degree);
        batch.antialias = antialias;
        std::copy(rates.data(), rates.data() + 6, batch.rates);
        batch.ssim_weight = weights(0);
        batch.opacity_penalty = weights(1);
        batch.scale_penalty = weights(2);
        batch.key = key;
        Buffer<float> gradients;
        const Scene scene = engine_.population.scene();
        const auto floats = static_cast<size_t>(scene.blocks * scene.rows * kLanes);
        if (only_gradients) {
            gradients.reserve(floats + 1);
            std::fill(gradients.data(), gradients.data() + floats, 0.0f);
        }
        LossOutput loss;
        {
            const nb::gil_scoped_release release;
            loss = engine_.step(batch, only_gradients ? gradients.data() : nullptr);
        }
        Output<float> exposure_gradient = new_array<float>({3, 4});
        for (int i = 0; i < 12; i++)
            exposure_gradient.data()[i] = static_cast<float>(loss.exposure_gradient[i]);
        nb::object rows = nb::none();
        if (only_gradients) {
            Output<float> out = new_array<float>({count(), columns()});
            engine_.population.get(engine_.crew(), gradients.data(), 0, scene.rows, out.data());
            rows = nb::cast(out);
        }
        return nb::make_tuple(loss.total, loss.l1, loss.ssim, nb::cast(exposure_gradient), rows);
    }

    // (colour [H, W, 3], alpha [H, W], depth [H, W], normals [H, W, 3] or None)
    nb::tuple render(int width, int height, const Array<double, 4>& intrinsics,
                     const Array<double, 4, 4>& pose, const Array<float, 3>& background, int sh_degree,
                     bool antialias, bool normals) {
        const CameraInput camera = camera_of(width, height, intrinsics, pose);
        const auto w = static_cast<size_t>(width), h = static_cast<size_t>(height);
        Output<float> colour = new_array<float>({h, w, 3}), alpha = new_array<float>({h, w});
        Output<float> depth = new_array<float>({h, w}), normal = new_array<float>({normals ? h : 0, w, 3});
        {
            const nb::gil_scoped_release release;
            const Planes& planes =
                engine_.render(camera, background.data(), degree(sh_degree), antialias, normals);
            copy_planes(planes.colour, 3, colour.data());
            copy_planes(planes.alpha, 1, alpha.data());
            copy_planes(planes.depth, 1, depth.data());
            if (normals) copy_planes(planes.normals, 3, normal.data());
        }
        return nb::make_tuple(nb::cast(colour), nb::cast(alpha), nb::cast(depth),
                              normals ? nb::cast(normal) : nb::none());
    }

    void edit(const Vector<int64_t>& parents, const Matrix<float>& offsets,
              const Vector<float>& log_scale_change, const Vector<float>& opacity_logits,
              const Vector<bool>& fresh) {
        const size_t rows = parents.shape(0);
        require(offsets.shape(0) == rows && offsets.shape(1) == 3 && log_scale_change.shape(0) == rows &&
                    opacity_logits.shape(0) == rows && fresh.shape(0) == rows,
                "the arrays of an edit must have one length");
        for (size_t i = 0; i < rows; i++) {
            require(parents(i) >= 0 && static_cast<size_t>(parents(i)) < count(),
                    "an edit names a parent that is not there");
        }
        const nb::gil_scoped_release release;
        engine_.population.edit(engine_.crew(),
                                {static_cast<int64_t>(rows), parents.data(), offsets.data(),
                                 log_scale_change.data(), opacity_logits.data(), fresh.data()});
    }

    void perturb(float strength, uint64_t seed) {
        const nb::gil_scoped_release release;
        engine_.perturb(strength, seed);
    }

    nb::dict timings() const {
        const Timings& t = engine_.timings();
        nb::dict out;
        out["project"] = t.project;
        out["bin"] = t.bin;
        out["forward"] = t.forward;
        out["loss"] = t.loss;
        out["backward"] = t.backward;
        out["update"] = t.update;
        return out;
    }

    size_t count() const { return static_cast<size_t>(engine_.population.count()); }
    size_t columns() const { return static_cast<size_t>(engine_.population.columns()); }
    int threads() { return engine_.crew().threads(); }
    std::string isa() const { return isa_name(engine_.isa()); }
    int64_t visible() const { return engine_.visible(); }
    int64_t pairs() const { return engine_.pairs(); }
    int64_t block_pairs() const { return engine_.block_pairs(); }
    int64_t steps() const { return engine_.steps; }

private:
    static int threads_of(int threads) {
        require(threads >= 1 && threads <= 1024, "threads must be 1 to 1024");
        return threads;
    }

    static Isa isa_of(const std::optional<std::string>& name) {
        const Isa best = widest_isa();
        if (!name) return best;
        Isa isa = Isa::plain;
        require(parse_isa(name->c_str(), &isa), "the instruction set must be avx512, avx2 or plain");
        require(static_cast<int>(isa) <= static_cast<int>(best),
                "this machine does not have that instruction set");
        return isa;
    }

    int degree(int wanted) const {
        require(wanted >= 0, "the SH degree cannot be negative");
        int stored = 0;
        while (kSh + 3 * (stored + 2) * (stored + 2) <= engine_.population.columns()) stored++;
        return wanted < stored ? wanted : stored;
    }

    void check_order(const Vector<uint32_t>& order, size_t rows) {
        require(order.shape(0) == rows, "the order must fit the values");
        std::vector<bool> met(rows);
        for (size_t i = 0; i < rows; i++) {
            require(order(i) < rows && !met[order(i)], "the order must be a permutation");
            met[order(i)] = true;
        }
    }

    void copy_planes(const float* planes, int channels, float* out) {
        const View& view = engine_.view();
        engine_.crew().each(view.height, 16, [&](int64_t begin, int64_t end, int) {
            for (int64_t y = begin; y < end; y++) {
                for (int64_t x = 0; x < view.width; x++) {
                    for (int c = 0; c < channels; c++) {
                        out[(y * view.width + x) * channels + c] =
                            planes[c * view.plane + y * view.stride + x];
                    }
                }
            }
        });
    }

    Engine engine_;
};

}  // namespace

NB_MODULE(_native, m) {
    m.doc() = "Gaussian splat training on the CPU.";
    m.def("best_isa", [] { return std::string(isa_name(widest_isa())); });
    nb::class_<Module>(m, "Engine")
        .def(nb::init<int, std::optional<std::string>>(), nb::arg("threads"), nb::arg("isa").none())
        .def("load", &Module::load, nb::arg("values"), nb::arg("order").none())
        .def("load_moments", &Module::load_moments)
        .def("get", &Module::get)
        .def("sums", &Module::sums)
        .def("seen", &Module::seen)
        .def("order", &Module::order)
        .def("step", &Module::step, nb::arg("width"), nb::arg("height"), nb::arg("intrinsics"),
             nb::arg("pose"), nb::arg("image"), nb::arg("mask").none(), nb::arg("exposure"),
             nb::arg("background"), nb::arg("sh_degree"), nb::arg("antialias"), nb::arg("rates"),
             nb::arg("weights"), nb::arg("key"), nb::arg("only_gradients"))
        .def("render", &Module::render, nb::arg("width"), nb::arg("height"), nb::arg("intrinsics"),
             nb::arg("pose"), nb::arg("background"), nb::arg("sh_degree"), nb::arg("antialias"),
             nb::arg("normals"))
        .def("edit", &Module::edit)
        .def("perturb", &Module::perturb)
        .def("timings", &Module::timings)
        .def_prop_ro("count", &Module::count)
        .def_prop_ro("columns", &Module::columns)
        .def_prop_ro("threads", &Module::threads)
        .def_prop_ro("isa", &Module::isa)
        .def_prop_ro("visible", &Module::visible)
        .def_prop_ro("pairs", &Module::pairs)
        .def_prop_ro("block_pairs", &Module::block_pairs)
        .def_prop_ro("steps", &Module::steps);
}

}  // namespace setpiece::cpu
