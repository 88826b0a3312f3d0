#pragma once

// Nothing to call: this target only gives every fuzz target its main function.
