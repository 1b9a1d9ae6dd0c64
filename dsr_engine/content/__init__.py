"""Finding a person in bytes: file formats, written forms, and the decision "is this the subject?"."""
