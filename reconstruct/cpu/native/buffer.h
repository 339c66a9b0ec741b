// Memory that only grows: after the first iterations a step allocates nothing.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace setpiece::cpu {

// Uninitialised room for plain values, aligned to cache lines, or to huge pages when large.
template <class T>
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() { release(); }

    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](size_t i) { return data_[i]; }
    const T& operator[](size_t i) const { return data_[i]; }

    // Makes room for `count` values; the first `keep` of the old ones survive a move.
    void reserve(size_t count, size_t keep = 0) {
        if (count <= capacity_) return;
        const size_t room = capacity_ == 0 ? count : count + count / 4;
        const size_t bytes = room * sizeof(T), alignment = bytes >= kHuge ? kHuge : kLine;
        T* fresh = static_cast<T*>(::operator new(bytes, std::align_val_t(alignment)));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        // The raster loops read records in no order: fewer page table walks.
        if (alignment == kHuge) madvise(fresh, bytes / kHuge * kHuge, MADV_HUGEPAGE);
#endif
        if (keep) std::memcpy(static_cast<void*>(fresh), data_, keep * sizeof(T));
        release();
        data_ = fresh;
        capacity_ = room;
        alignment_ = alignment;
    }

    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
        std::swap(alignment_, other.alignment_);
    }

private:
    static constexpr size_t kLine = 64, kHuge = size_t{2} << 20;

    void release() {
        if (data_) ::operator delete(static_cast<void*>(data_), std::align_val_t(alignment_));
        data_ = nullptr;
        capacity_ = 0;
    }

    T* data_ = nullptr;
    size_t capacity_ = 0, alignment_ = kLine;
};

}  // namespace setpiece::cpu
