"""HTTP clients side by side: what a call to a provider costs by each (`costs`), and what each can do (`matrix`)."""
