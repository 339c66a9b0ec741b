// Fitting F and H to matches: to the fewest that determine them, and to many in the least-squares sense.
#pragma once

namespace setpiece::two_view {

// Up to three F [9] that hold seven matches exactly (Hartley and Zisserman 2004, section 11.1.2); returns how
// many. `at` is [7][4]: x1, y1, x2, y2. Those that put a match behind a camera are left out (Chum, Werner and
// Matas 2004).
int epipolar_through(const double (*at)[4], double (*models)[9]);

// H [9] through four matches; false where three of them are on a line, or lie on both sides of the camera.
bool plane_through(const double (*at)[4], double* model);

// F [9] of a plane's H and two matches beside the plane, by plane and parallax (Hartley and Zisserman 2004,
// section 13.3): the epipole is where the lines from H (x1, y1) to (x2, y2) meet. False where they are one line.
bool epipolar_from_plane(const double* plane, const double (*at)[4], double* model);

// Improves F by the sums of a weighted eight-point fit: sums[i][j] of products second[i] * first[j], each
// (xx, xy, x, yy, y, 1). F has rank 2 and norm 1 afterwards.
void fit_epipolar(const double* sums, double* model);

// The same for H: second (1, x, y, xx + yy), first as above.
void fit_plane(const double* sums, double* model);

}  // namespace setpiece::two_view
