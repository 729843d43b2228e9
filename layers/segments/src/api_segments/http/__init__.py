"""An API Gateway event in, an answer out."""
