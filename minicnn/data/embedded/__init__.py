"""A stratified subset of MNIST that travels in the package; LICENSE.md says where it comes from."""
