# setpiece_kernels(MODULE SOURCE [OPTION...]): compiles SOURCE once per instruction set into MODULE.
#
# Each build sees SETPIECE_AVX2, SETPIECE_AVX512 or neither; MODULE sees SETPIECE_WIDE_KERNELS where the wide
# ones exist. Each build keeps its functions in a namespace of its own, and includes nothing whose templates
# the linker would share with the rest.
function(setpiece_kernels module source)
  get_filename_component(name ${source} NAME_WE)
  function(setpiece_kernel isa)
    add_library(${name}_${isa} OBJECT ${source})
    set_target_properties(${name}_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
    target_compile_options(${name}_${isa} PRIVATE ${ARGN})
    target_link_libraries(${module} PRIVATE ${name}_${isa})
  endfunction()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT CMAKE_OSX_ARCHITECTURES MATCHES "arm64")
    setpiece_kernel(plain ${ARGN})
    target_compile_definitions(${module} PRIVATE SETPIECE_WIDE_KERNELS)
    if(MSVC)
      setpiece_kernel(avx2 ${ARGN} /arch:AVX2 /DSETPIECE_AVX2)
      setpiece_kernel(avx512 ${ARGN} /arch:AVX512 /DSETPIECE_AVX512)
    else()
      set(avx2 -mavx2 -mfma -mbmi -mbmi2 -mlzcnt -mpopcnt)
      set(avx512 ${avx2} -mavx512f -mavx512dq -mavx512bw -mavx512vl -mprefer-vector-width=512)
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC's own intrinsics header leaves registers undefined on purpose (GCC bug 105593).
        list(APPEND avx512 -Wno-uninitialized -Wno-maybe-uninitialized)
      endif()
      setpiece_kernel(avx2 ${ARGN} ${avx2} -DSETPIECE_AVX2)
      setpiece_kernel(avx512 ${ARGN} ${avx512} -DSETPIECE_AVX512)
    endif()
  else()
    setpiece_kernel(plain ${ARGN} $<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-ffp-contract=fast>)
  endif()
endfunction()
