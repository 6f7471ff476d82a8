# What notebooks in R use: the Python package `common`, through reticulate.
#
# Data sets stay NumPy arrays, as the training framework wants them; weights come as R arrays.
# Names, arguments and units are those of the Python functions.

Sys.setenv(RETICULATE_REMAP_OUTPUT_STREAMS = "1")  # shows in a notebook what Python prints
library(reticulate)

.common <- import_from_path("common", path = "..", convert = FALSE)
.np <- import("numpy", convert = FALSE)

# One run of one notebook, from its parameters to its record, see common/run.py: a list of
# functions, `run$start_clock(n)` and so on
Run <- function(framework, model, data, precision, batchsize) {
  run <- .common$Run(framework, model, data, precision, as.integer(batchsize))
  list(
    show_versions = function(device, ...) {
      r <- paste(R.version$major, R.version$minor, sep = ".")
      invisible(run$show_versions(device, ..., R = r))
    },
    # Weights by common name as R arrays, which index as the NumPy ones do but start at 1 and
    # lie with the first index running fastest
    initial_weights = function(seed, gru = "reset_after") {
      weights <- run$initial_weights(as.integer(seed), gru)
      names <- vapply(iterate(weights$keys()), py_to_r, "")
      sapply(names, function(name) py_to_r(weights$get(name)), simplify = FALSE)
    },
    start_clock = function(examples) invisible(run$start_clock(as.integer(examples))),
    end_epoch = function(loss) invisible(run$end_epoch(loss)),
    stop_clock = function() invisible(run$stop_clock()),
    report = function(weights, outputs, accuracy = NULL) {
      invisible(run$report(.float32(weights), outputs, accuracy))
    }
  )
}

# list(x_train, y_train, x_test, y_test), see common/data.py
load_cifar10 <- function(kind, channels_first = TRUE) {
  .named(.common$load_cifar10(kind, channels_first))
}

load_imdb <- function(kind, vocabulary, length) {
  .named(.common$load_imdb(kind, as.integer(vocabulary), as.integer(length)))
}

load_images <- function(kind, channels_first = TRUE) .common$load_images(kind, channels_first)

.named <- function(arrays) {
  setNames(lapply(0:3, function(i) arrays[[i]]), c("x_train", "y_train", "x_test", "y_test"))
}

# The first axis's length of a NumPy array
examples <- function(x) py_to_r(x$shape)[[1]]

# The order of n examples in the epoch that has this seed: whole numbers from 0
permutation <- function(n, seed) {
  as.vector(py_to_r(.common$permutation(as.integer(n), as.integer(seed))))
}

# The rows of a NumPy array that `order` (from 0) names
rows <- function(x, order) .np$take(x, np_array(as.integer(order)), axis = 0L)

# Error unless both hold the same names, shapes and float32 bits
assert_same_weights <- function(actual, expected) {
  .common$assert_same_weights(.float32(actual), .float32(expected))
  invisible(TRUE)
}

.float32 <- function(weights) dict(lapply(weights, function(w) np_array(w, "float32")))
