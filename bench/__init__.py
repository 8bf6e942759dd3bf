"""Side-by-side measurements of the worker and the target; run them with bench/run.sh."""
