using ResultsEs.Http;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Mcp;

/// <summary>Parts of the JSON Schemas of tools: arguments that several have, and what their answers are made of.</summary>
internal static class ToolSchemas
{
    /// <summary>The most items of a page, whatever its size.</summary>
    public const int MaxLimit = 100;

    /// <summary>The most characters of an argument.</summary>
    public const int MaxText = 2_000;

    private const string Id = """{ "type": "string", "format": "uuid" }""";
    private const string MaybeText = """{ "type": ["string", "null"] }""";
    private const string Count = """{ "type": "integer", "minimum": 0 }""";

    public static readonly string TestId = Text("testId", "The test's id, from list_tests.", "uuid");

    public static readonly string SessionId = Text("sessionId", "The session's id, from list_sessions or search_answers.", "uuid");

    public static readonly string Page = PageBy("cursor", "nextCursor");

    public static readonly string Place =
        $$"""
        "path": {
          "type": "string", "maxLength": {{MaxText}},
          "description": "A JSON pointer into the answer, such as /tasks/3: only what is there is answered. For what was cut."
        },
        "offset": {
          "type": "integer", "minimum": 0, "maximum": {{int.MaxValue}}, "default": 0,
          "description": "With path: the items or characters before what is answered. The nextOffset of a cut."
        }
        """;

    public static readonly string AsItWas =
        $$"""
        "version": {
          "type": "integer", "minimum": 1, "maximum": {{int.MaxValue}},
          "description": "As it was after so many of the session's events. Not with asOf."
        },
        {{Time("asOf", "As it was at this time. Not with version.")}}
        """;

    public static readonly string TaskType =
        $$"""
        "taskType": {
          "type": "string", "enum": [{{string.Join(", ", SessionFilter.TaskTypeNames.Select(name => $"\"{name}\""))}}],
          "description": "Only sessions with an answered or skipped task of this type; SKIPPED: with any skipped task."
        }
        """;

    public const string Cut =
        $$"""
        "cut": {
          "type": "object",
          "description": "There when a part is left out because the answer would be too long: what, and how to get the rest.",
          "properties": {
            "rest": { "type": "string" },
            "places": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "path": { "type": "string" }, "unit": { "enum": ["items", "characters", "members"] },
                  "shown": {{Count}}, "total": {{Count}}, "nextOffset": {{Count}}
                },
                "required": ["path", "unit", "shown", "total", "nextOffset"]
              }
            },
            "more": {{Count}}
          },
          "required": ["rest", "places", "more"]
        }
        """;

    /// <summary>What an answer about a part has in the place of the rest.</summary>
    public const string Part =
        $$"""
        "path": { "type": "string" }, "offset": {{Count}}, "value": { "description": "What is at path." }, {{Cut}}
        """;

    public const string Meta =
        $$"""
        "meta": {
          "type": "object",
          "properties": {
            "asOf": { "type": "string", "format": "date-time", "description": "All that was stored before this time is in the list." },
            "pagination": {
              "type": "object",
              "properties": {
                "limit": {{Count}}, "offset": {{Count}}, "totalCount": {{Count}},
                "nextCursor": { "type": "string", "description": "The cursor of the next page; absent in the last." }
              }
            }
          }
        }
        """;

    public const string Tests =
        $$"""
        "tests": {
          "type": "array",
          "items": {
            "type": "object",
            "properties": {
              "testId": {{Id}}, "workspaceId": {{Id}}, "title": {{MaybeText}}, "productType": {{MaybeText}},
              "sessions": {
                "type": "object",
                "properties": { "total": {{Count}}, "inProgress": {{Count}}, "complete": {{Count}}, "abandoned": {{Count}} }
              },
              "lastActivityTime": { "type": "string", "format": "date-time", "description": "When something was last stored." }
            },
            "required": ["testId", "workspaceId", "sessions", "lastActivityTime"]
          }
        },
        "nextAfter": { "type": "string", "description": "The after of the next page; absent in the last." }
        """;

    public const string Sessions =
        $$"""
        "testId": {{Id}},
        "sessions": {
          "type": "array",
          "items": {
            "type": "object",
            "properties": {
              "sessionId": {{Id}}, "status": { "type": "string" }, "startTime": { "type": "string" },
              "finishTime": { "type": "string" }, "updatedTime": { "type": "string" }, "audienceId": {{Id}}
            },
            "required": ["sessionId", "status", "startTime", "updatedTime"]
          }
        }
        """;

    public const string Session =
        $$"""
        "sessionId": {{Id}}, "testId": {{Id}}, "workspaceId": {{Id}}, "productType": {{MaybeText}}, "status": { "type": "string" },
        "startTime": {{MaybeText}}, "finishTime": {{MaybeText}}, "sessionParticipant": { "type": ["object", "null"] },
        "taskGroups": { "type": "array", "items": { "type": "object" } },
        "tasks": {
          "type": "array", "items": { "type": "object" },
          "description": "In the plan's order; each with its question, and what was answered, skipped, said and done."
        }
        """;

    public const string Transcript =
        $$"""
        "sessionId": {{Id}}, "language": {{MaybeText}},
        "cues": {
          "type": "array",
          "items": {
            "type": "object",
            "properties": { "startMs": {{Count}}, "endMs": {{Count}}, "speaker": {{MaybeText}}, "text": { "type": "string" } }
          }
        }
        """;

    public const string Scores =
        $$"""
        "testId": {{Id}},
        "qxScores": { "type": "array", "items": { "type": "object" } },
        "meta": { "type": "object", "properties": { "totalQxTasks": {{Count}}, "completes": {{Count}} } }
        """;

    public const string Summary =
        $$"""
        "testId": {{Id}}, "taskId": {{Id}}, "workspaceId": {{Id}}, "title": {{MaybeText}}, "productType": {{MaybeText}},
        "asOf": { "type": "string", "description": "All that was stored before this time is counted." },
        "sessions": { "description": "By state; with taskId: how many pass the filters." },
        "overTime": { "type": "object" },
        "audiences": { "type": "array", "items": { "type": "object" } },
        "demographics": { "type": "array", "items": { "type": "object" } },
        "tasks": { "type": "array", "items": { "type": "object" } },
        "qxScores": { "type": "array", "items": { "type": "object" } },
        "answered": {{Count}}, "skipped": {{Count}}, "durationMs": { "type": ["object", "null"] },
        "answers": { "type": ["object", "null"], "description": "With taskId: one member, by the type of the task." }
        """;

    public const string Answers =
        $$"""
        "answers": {
          "type": "array",
          "items": {
            "type": "object",
            "properties": {
              "sessionId": {{Id}}, "testId": {{Id}}, "workspaceId": {{Id}}, "taskId": {{Id}}, "kind": { "type": "string" },
              "time": { "type": "string" }, "startMs": { "type": "integer" },
              "excerpt": {
                "type": "object",
                "properties": {
                  "text": { "type": "string" },
                  "marks": { "type": "array", "items": { "type": "object" }, "description": "Where the words are in the text." }
                }
              }
            }
          }
        },
        "meta": {
          "type": "object",
          "properties": { "limit": {{Count}}, "nextCursor": { "type": "string" }, "asOf": { "type": "string" } }
        }
        """;

    /// <summary>The arguments of a page: its size, and what the page before said of where it begins.</summary>
    public static string PageBy(string name, string next) =>
        $$"""
        "limit": {
          "type": "integer", "minimum": 1, "maximum": {{MaxLimit}}, "default": {{Paging.DefaultLimit}},
          "description": "The most items of the page. A page has fewer where they would be more than {{JsonCut.MaxBytes / 1024}} KiB."
        },
        {{Text(name, $"The {next} of the page before, with the same other arguments.")}}
        """;

    /// <summary>The states of sessions as an argument.</summary>
    public static string Status(string otherwise) =>
        $$"""
        "status": {
          "type": "array", "items": {{QueryParameter.OneOf(WireEnumConverter<SessionStatus>.AllNames)}}, "maxItems": 3,
          "description": "Only sessions of these states. Default: {{otherwise}}."
        }
        """;

    /// <summary>A time as an argument.</summary>
    public static string Time(string name, string description) => Text(name, description, "date-time");

    /// <summary>A text as an argument.</summary>
    public static string Text(string name, string description, string? format = null) =>
        $$"""
        "{{name}}": {
          "type": "string", {{(format is null ? "" : $"\"format\": \"{format}\",")}} "maxLength": {{MaxText}},
          "description": "{{description}}"
        }
        """;
}
