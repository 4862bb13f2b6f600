"""Operations on pictures and masks that several models share: boxes, components, scaling, graph cuts, prompts."""
