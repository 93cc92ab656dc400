"""Software bills of materials: the packages of an image or a directory as a document, in the formats that others read and write."""
