"""What a change costs: calls, round trips, request units, CPU, memory, start-up; `make bench` measures it all."""
