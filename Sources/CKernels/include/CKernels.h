// Our own kernels, where they beat the library's or it has none.
#pragma once

#include "training.h"
#include "winograd.h"
