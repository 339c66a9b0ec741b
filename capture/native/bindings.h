// What each part of setpiece.capture._native adds to the module.
#pragma once

#include <nanobind/nanobind.h>

void bind_matching(nanobind::module_& m);
void bind_bundle(nanobind::module_& m);
void bind_triangulation(nanobind::module_& m);
void bind_edges(nanobind::module_& m);
void bind_sift(nanobind::module_& m);
void bind_two_view(nanobind::module_& m);
void bind_mapping(nanobind::module_& m);
