// Our own kernels, where they beat the library's or it has none.
#pragma once

#include "bounds.h"
#include "integer_layer.h"
#include "maximum_pooling.h"
#include "tile_gradient.h"
#include "tile_layer.h"
#include "tiles.h"
#include "training.h"
#include "winograd.h"
