"""Mixed traffic on a gateway whose providers fail in every way, for as long as one likes."""
