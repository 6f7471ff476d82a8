# What notebooks in R use: the Python package `common`, through reticulate.
#
# Data sets and batches stay NumPy arrays, as the training framework wants them; weights come as
# R arrays. Names, arguments and units are those of the Python functions.

library(reticulate)

.common <- import_from_path("common", path = "..", convert = FALSE)
np <- import("numpy", convert = FALSE)

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
rows <- function(x, order) np$take(x, np_array(as.integer(order)), axis = 0L)

# Weights by common name as R arrays, which index as the NumPy ones do but start at 1 and lie
# with the first index running fastest; attribute "source" says where the values come from
initial_weights <- function(model, seed, gru = "reset_after") {
  weights <- .common$initial_weights(model, as.integer(seed), gru)
  names <- vapply(iterate(weights$keys()), py_to_r, "")
  arrays <- lapply(names, function(name) py_to_r(weights$get(name)))
  structure(setNames(arrays, names), source = py_to_r(weights$source))
}

# Error unless both hold the same names, shapes and float32 bits
assert_same_weights <- function(actual, expected) {
  .common$assert_same_weights(.float32(actual), .float32(expected))
  invisible(TRUE)
}

.float32 <- function(weights) dict(lapply(weights, function(w) np_array(w, "float32")))

# The clock: `epochs <- stopwatch$epochs(n)`, then `iter_next(epochs)` until it is NULL, and
# `stopwatch$log(loss)` and perhaps `stopwatch$first_step()` within
Stopwatch <- function() import_from_path("common", path = "..")$Stopwatch()

show_versions <- function(device, ...) {
  r <- paste(R.version$major, R.version$minor, sep = ".")
  .common$show_versions(device, ..., R = r)
}

report <- function(stopwatch, ..., weights, versions, accuracy = NULL) {
  .common$report(stopwatch, ..., weights = .float32(weights), versions = versions,
                 accuracy = accuracy)
  invisible(NULL)
}
