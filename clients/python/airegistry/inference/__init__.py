"""Messages of the Open Inference Protocol, which other servers speak; not an API of ours."""
