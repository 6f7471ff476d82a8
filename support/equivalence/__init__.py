"""The proofs that all notebooks are the same models, and the transfer of weights between them."""
