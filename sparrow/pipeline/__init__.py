"""What the steps of the flows do, free of Metaflow: values in, values out."""
