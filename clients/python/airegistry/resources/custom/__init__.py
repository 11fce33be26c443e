"""The little languages of declared wire formats: templates that write a request, paths that read an answer.

Both come from registrants, so both are bounded: no template and no path costs more than its input allows.
"""
