"""The shaders of the 3D view, GLSL 3.30 core."""

from __future__ import annotations

OBJECT_VERTEX = """#version 330 core
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv;
layout(location = 3) in vec4 colour;
uniform mat4 view;
uniform mat4 projection;
out vec3 seen_normal;
out vec3 seen_position;
out vec2 seen_uv;
out vec3 seen_colour;
void main() {
    vec4 eye = view * vec4(position, 1.0);
    seen_position = eye.xyz;
    seen_normal = mat3(view) * normal;
    seen_uv = uv;
    seen_colour = colour.rgb;
    gl_Position = projection * eye;
}
"""

# Light is added in linear space: a key from the upper left of the viewer, sky and ground, and a rim that lifts the
# silhouette off the background. Pictures already carry their own light, so shading stays gentle.
OBJECT_FRAGMENT = """#version 330 core
in vec3 seen_normal;
in vec3 seen_position;
in vec2 seen_uv;
in vec3 seen_colour;
uniform sampler2D picture;
uniform int look;  // 0 vertex colours, 1 texture, 2 clay
uniform mat3 to_world;
uniform vec3 clay;
out vec4 result;
void main() {
    vec3 base = look == 1 ? texture(picture, seen_uv).rgb : (look == 2 ? clay : seen_colour);
    base = pow(base, vec3(2.2));
    vec3 n = normalize(seen_normal);
    vec3 v = normalize(-seen_position);
    if (!gl_FrontFacing) n = -n;
    float up = (to_world * n).y * 0.5 + 0.5;
    vec3 ambient = mix(vec3(0.34, 0.32, 0.30), vec3(0.52, 0.54, 0.58), up);
    vec3 key = normalize(vec3(-0.45, 0.65, 0.75));
    float lit = max(dot(n, key), 0.0);
    float fill = max(dot(n, normalize(vec3(0.8, 0.1, 0.5))), 0.0);
    float rim = pow(1.0 - max(dot(n, v), 0.0), 3.0);
    float shine = pow(max(dot(n, normalize(key + v)), 0.0), 32.0);
    vec3 light = ambient + vec3(0.44, 0.42, 0.39) * lit + vec3(0.06, 0.07, 0.09) * fill;
    vec3 shaded = base * light + vec3(0.03) * shine + vec3(0.05, 0.06, 0.08) * rim;
    result = vec4(pow(min(shaded, vec3(1.0)), vec3(1.0 / 2.2)), 1.0);
}
"""

WIRE_FRAGMENT = """#version 330 core
uniform vec4 ink;
out vec4 result;
void main() { result = ink; }
"""

SCREEN_VERTEX = """#version 330 core
out vec2 place;
void main() {
    place = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
    gl_Position = vec4(place * 2.0 - 1.0, 0.9999, 1.0);
}
"""

# A little noise hides the steps of an 8-bit gradient.
SCREEN_FRAGMENT = """#version 330 core
in vec2 place;
uniform vec3 top;
uniform vec3 bottom;
out vec4 result;
void main() {
    float away = length((place - vec2(0.5, 0.56)) * vec2(1.0, 0.9));
    vec3 colour = mix(top, bottom, smoothstep(0.0, 0.85, away));
    float noise = fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453);
    result = vec4(colour + (noise - 0.5) / 255.0, 1.0);
}
"""

FLOOR_VERTEX = """#version 330 core
uniform mat4 view;
uniform mat4 projection;
uniform vec3 middle;
uniform vec2 reach;
out vec2 place;
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    place = corner;
    vec3 world = middle + vec3(corner.x * reach.x, 0.0, corner.y * reach.y);
    gl_Position = projection * view * vec4(world, 1.0);
}
"""

FLOOR_FRAGMENT = """#version 330 core
in vec2 place;
uniform float strength;
out vec4 result;
void main() {
    float dark = 1.0 - smoothstep(0.0, 1.0, length(place));
    result = vec4(0.0, 0.0, 0.0, dark * dark * strength);
}
"""
